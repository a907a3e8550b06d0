//! Problems: what is wrong with an input, where, and what to do about it.
//!
//! A [`Problem`] is what a person or a client program gets to see. Its [`Code`] is stable and has a
//! page under `docs/errors/`, embedded in the program (`spotwright explain SW0104`).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($( $(#[$doc:meta])* $variant:ident = $code:literal, )*) => {
        /// Stable error codes. A code never changes its meaning; new causes get new codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $( $(#[$doc])* #[serde(rename = $code)] $variant, )*
        }

        impl Code {
            /// Every code, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as printed, e.g. `SW0101`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The Markdown page of the code: meaning, cause, what to do.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../docs/errors/", $code, ".md")),)*
                }
            }
        }
    };
}

codes! {
    /// The brief's file cannot be opened or read.
    BriefUnreadable = "SW0101",
    /// The brief is larger than the limit.
    BriefTooLarge = "SW0102",
    /// The brief is not UTF-8 text.
    BriefEncoding = "SW0103",
    /// The brief is not well-formed YAML or JSON, or exceeds the limits on nesting and aliases.
    BriefSyntax = "SW0104",
    /// A field has the wrong type, is unknown, missing or given twice.
    BriefShape = "SW0105",
    /// A field's value is outside its range or contradicts another field.
    BriefValue = "SW0106",
    /// A fact makes a claim that needs evidence and has none.
    EvidenceMissing = "SW0107",
    /// A placement is not in the table of placements.
    PlacementUnknown = "SW0108",
    /// No fact about the product is left that an ad may say.
    FactsUnsayable = "SW0109",
    /// A text that is shown holds a character that no installed font can draw.
    Letters = "SW0115",
    /// A comment cuts or swallows a value of the brief.
    BriefComment = "SW0120",
    /// A source of a draft brief is damaged, locked, empty or without text.
    SourceUnreadable = "SW0130",
    /// A source of a draft brief has a format that is not read.
    SourceFormat = "SW0131",
    /// A source of a draft brief is larger than the limit, or unpacks to more.
    SourceTooLarge = "SW0132",
    /// A web address is not one that the program opens.
    AddressRefused = "SW0133",
    /// A web address does not answer, or not with what was asked for.
    AddressUnreadable = "SW0134",
    /// A product feed holds no products, or not the one that was asked for.
    Feed = "SW0135",
    /// A picture's name leaves the brief's folder or is not a plain relative path.
    PicturePath = "SW0201",
    /// A picture's file cannot be opened or read.
    PictureUnreadable = "SW0202",
    /// A picture's content is not JPEG, PNG or WebP, or is damaged.
    PictureDamaged = "SW0203",
    /// A picture is larger than the limits on bytes or pixels, or too small to show.
    PictureSize = "SW0204",
    /// A picture would not make a video that passes the quality gate.
    PictureUnusable = "SW0205",
    /// A picture is shown otherwise than its file says: on another ground, or in other colors.
    PictureAdjusted = "SW0206",
    /// An option of the command line or of the configuration is invalid.
    Option = "SW0301",
    /// The output folder holds another run, or none where one is to be resumed.
    OutputFolder = "SW0302",
    /// Another process is working on the same output folder.
    OutputBusy = "SW0303",
    /// Something the program needs is not installed.
    Prerequisite = "SW0304",
    /// The address of a server is wrong: malformed, or the server refuses login, name or certificate.
    ServerAddress = "SW0305",
    /// A server that the configuration names does not answer.
    ServerUnreachable = "SW0306",
    /// A table file (CSV) cannot be read: its encoding, separator, columns or a line.
    Table = "SW0307",
    /// A table of an experiment cannot be analyzed: a cell, a unit, an arm, or a setting of the analysis.
    Trial = "SW0320",
    /// An export of an advertising platform cannot be read: its columns, a row, or what was said about it.
    Export = "SW0321",
    /// The run ended because its budget is used up.
    BudgetExhausted = "SW0401",
    /// A step failed for good after its last attempt.
    StepFailed = "SW0402",
    /// A paid call's outcome is not known and cannot be looked up.
    CallUnknown = "SW0403",
    /// The run was ended while the work was under way.
    RunCancelled = "SW0404",
    /// The words that a person gave a line do not pass the critique.
    LineRefused = "SW0405",
    /// Every script that was left says what a product feed has made untrue.
    Untrue = "SW0406",
    /// The run ended because what its order lets it spend is used up.
    SpendCap = "SW0411",
    /// The run's store cannot be read or written.
    Store = "SW0501",
    /// A stored row or message does not have the expected form.
    StoreFormat = "SW0502",
    /// Rendering or encoding failed.
    Render = "SW0601",
    /// A storyboard breaks a rule.
    Storyboard = "SW0602",
    /// A finished video did not pass the quality gate.
    QualityGate = "SW0603",
    /// A model file is missing, damaged or of another version.
    ModelFile = "SW0701",
    /// An input of the click model is empty, too long or not finite.
    ModelInput = "SW0702",
    /// A language model's provider failed or answered with something unusable.
    LanguageModel = "SW0801",
    /// The market refused a campaign or was given an impossible one.
    Market = "SW0901",
    /// A request has no valid API key.
    Unauthenticated = "SW1001",
    /// The API key is valid and does not allow the operation.
    Forbidden = "SW1002",
    /// What a request names does not exist, or belongs to another organization.
    NotFound = "SW1003",
    /// The address exists and does not take this method.
    MethodNotAllowed = "SW1004",
    /// A request's body, query or header is malformed.
    RequestShape = "SW1005",
    /// A value of a request is outside its range.
    RequestValue = "SW1006",
    /// A request that creates something has no usable `Idempotency-Key`.
    IdempotencyKey = "SW1007",
    /// An `Idempotency-Key` was used before with another request.
    IdempotencyConflict = "SW1008",
    /// A request with the same `Idempotency-Key` is still being worked on.
    IdempotencyInFlight = "SW1009",
    /// A request's body is larger than the limit.
    BodyTooLarge = "SW1010",
    /// A request's body has a media type that the operation does not take.
    MediaType = "SW1011",
    /// A cursor was not made by this list, or was altered.
    Cursor = "SW1012",
    /// An API key has sent too many requests.
    RateLimited = "SW1013",
    /// The run's state does not allow the operation.
    RunState = "SW1014",
    /// The service cannot answer at this moment.
    Unavailable = "SW1015",
    /// A range lies outside the file.
    Range = "SW1016",
    /// A defect of the service.
    Internal = "SW1017",
    /// What the organization may spend does not cover a run.
    OrganizationBudget = "SW1018",
    /// A run is in another currency than what its organization may spend.
    BudgetCurrency = "SW1019",
    /// A file that was made is not where it is kept any more, or is damaged.
    FileLost = "SW1025",
    /// The organization's keys are refused, by its operator's wish.
    Frozen = "SW1026",
    /// The key is the last one that may make keys for its organization.
    LastKey = "SW1027",
    /// The organization's pictures may take no more room.
    AssetQuota = "SW1028",
    /// The member is the last owner of the organization.
    LastOwner = "SW1031",
    /// Who is invited is a member of the organization already.
    MemberAlready = "SW1032",
    /// The organization has as many webhooks as it may.
    WebhookQuota = "SW1040",
    /// The state of a webhook or of a delivery does not allow the operation.
    WebhookState = "SW1041",
    /// What is to be changed is not what the client has seen of it any more.
    Precondition = "SW1042",
    /// A variant is not what the reviewer has seen any more.
    ContentChanged = "SW1043",
    /// A brand is archived and cannot be used.
    BrandArchived = "SW1044",
    /// A variant has as many comments as it may, or an organization as many brands or open links.
    TooMany = "SW1045",
    /// The state of an experiment does not allow the operation.
    ExperimentState = "SW1050",
    /// Users of an experiment were not divided as configured, so that nothing can be concluded from it.
    ExperimentMismatch = "SW1051",
    /// A variant cannot be an arm of an experiment.
    ExperimentArm = "SW1052",
    /// A variant cannot be an ad of a campaign.
    CampaignAd = "SW1060",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with an input, for the person who can mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{code} {}{message}", self.field_prefix())]
pub struct Problem {
    /// Stable code with a page of its own.
    pub code: Code,
    /// Path of the field, e.g. `product.facts[2].evidence`; empty when the whole input is meant.
    pub field: String,
    /// What is wrong and what would be right; lowercase, without a final point.
    pub message: String,
}

impl Problem {
    /// Describes a problem with `field`.
    pub fn new(code: Code, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, field: field.into(), message: message.into() }
    }

    fn field_prefix(&self) -> String {
        if self.field.is_empty() { String::new() } else { format!("{}: ", self.field) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_that_says_what_to_do() {
        for code in Code::ALL {
            let page = code.page();
            assert!(page.starts_with(&format!("# {code}: ")), "{code}");
            assert!(page.contains("\n## What to do\n"), "{code}");
        }
    }

    #[test]
    fn codes_ascend() {
        let names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
