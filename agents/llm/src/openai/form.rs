//! The form in which a server is asked, and the next form after a refusal.
//!
//! Servers that speak the same protocol differ in what they refuse. A refusal that names a feature
//! changes that feature. One that names nothing we know is answered by the next form down:
//! `json_schema`, a forced call of the one function that takes the answer, `json_object`, plain text,
//! the rules inside the user's turn, optional fields left out, the other name of the token limit.

use super::refusal::ServerError;

/// Forms of asking for JSON, from strict to loose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// `response_format: json_schema`.
    JsonSchema,
    /// `tool_choice` forces the call of a function that has the answer's shape; nothing is executed.
    ToolCall,
    /// `response_format: json_object`; the shape is described in the prompt.
    JsonObject,
    /// No response format; the JSON is cut out of the text.
    PlainText,
}

impl Rung {
    /// The next looser form.
    #[must_use]
    pub const fn below(self) -> Option<Self> {
        match self {
            Self::JsonSchema => Some(Self::ToolCall),
            Self::ToolCall => Some(Self::JsonObject),
            Self::JsonObject => Some(Self::PlainText),
            Self::PlainText => None,
        }
    }
}

/// How the limit of an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenLimit {
    MaxTokens,
    MaxCompletionTokens,
    Unsaid,
}

/// What is said about thinking. Servers have no common word for switching it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Nothing.
    Unsaid,
    /// `enable_thinking: false`.
    Flag,
    /// `chat_template_kwargs: {enable_thinking: false}`.
    Template,
    /// `thinking: {type: disabled}`.
    Disabled,
    /// `reasoning_effort: none`.
    NoEffort,
    /// Nothing again: it cannot be switched off.
    GivenUp,
}

/// Whether the answer is asked for as a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// `stream: false`.
    Off,
    /// The field is left out.
    Unsaid,
    /// `stream: true` with a usage chunk.
    WithUsage,
    /// `stream: true` alone.
    Plain,
}

/// How a server wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) rung: Rung,
    /// Whether the rules stand in a turn of the system; else in the user's.
    pub(super) system_turn: bool,
    /// Whether an unusable answer is sent back as the model's own turn.
    pub(super) echoes: bool,
    pub(super) token_limit: TokenLimit,
    /// Whether the limit is doubled: answers were cut off without.
    pub(super) roomy: bool,
    pub(super) temperature: bool,
    pub(super) thinking: Thinking,
    pub(super) stream: Stream,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            rung: Rung::JsonSchema,
            system_turn: true,
            echoes: true,
            token_limit: TokenLimit::MaxTokens,
            roomy: false,
            temperature: true,
            thinking: Thinking::Unsaid,
            stream: Stream::Off,
        }
    }
}

/// The form to ask in next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) form: Form,
    /// Whether the refusal named what was changed. What was changed blindly may have been fine.
    pub(super) named: bool,
}

const FORMAT_WORDS: [&str; 25] = [
    "response_format",
    "response format",
    "response_schema",
    "responseschema",
    "response schema",
    "json_schema",
    "jsonschema",
    "json schema",
    "json_object",
    "json mode",
    "structured output",
    "structured_output",
    "structured-output",
    "output_config",
    "guided_json",
    "guided decoding",
    "grammar",
    "schema",
    "additionalproperties",
    "maxitems",
    "minitems",
    "maxlength",
    "minlength",
    "unsupported keyword",
    "xgrammar",
];

const TOOL_WORDS: [&str; 8] = [
    "tool_choice",
    "tool choice",
    "tools",
    "tool call",
    "tool use",
    "function call",
    "function_call",
    "functions",
];

const SYSTEM_WORDS: [&str; 12] = [
    "system role",
    "system message",
    "system prompt",
    "system instruction",
    "system_instruction",
    "developer instruction",
    "role system",
    "role 'system'",
    "role \"system\"",
    "role `system`",
    "system' role",
    "must alternate",
];

impl Form {
    /// The form to ask in after `error`, with the messages as they were; `None` where there is no
    /// other form left. `echoed` says whether a turn of the model was among the messages; `may_guess`
    /// whether a refusal that names nothing we know is answered by the next form down.
    pub(super) fn after(self, error: &ServerError, echoed: bool, may_guess: bool) -> Option<Next> {
        let text = error.lowercase();
        if let Some(form) = self.after_named(&text, echoed) {
            return Some(Next { form, named: true });
        }
        if !may_guess {
            return None;
        }
        let form = if let Some(rung) = self.rung.below() {
            Self { rung, ..self }
        } else if echoed && self.echoes {
            Self { echoes: false, ..self }
        } else if self.system_turn {
            Self { system_turn: false, ..self }
        } else if self.temperature || self.stream == Stream::Off {
            let stream = if self.stream == Stream::Off { Stream::Unsaid } else { self.stream };
            Self { temperature: false, stream, ..self }
        } else if self.token_limit == TokenLimit::MaxTokens {
            Self { token_limit: TokenLimit::MaxCompletionTokens, ..self }
        } else {
            return None;
        };
        Some(Next { form, named: false })
    }

    /// This form with what differs between two others.
    pub(super) fn changed_as(self, before: Self, after: Self) -> Self {
        fn pick<T: PartialEq + Copy>(own: T, before: T, after: T) -> T {
            if before == after { own } else { after }
        }
        Self {
            rung: pick(self.rung, before.rung, after.rung),
            system_turn: pick(self.system_turn, before.system_turn, after.system_turn),
            echoes: pick(self.echoes, before.echoes, after.echoes),
            token_limit: pick(self.token_limit, before.token_limit, after.token_limit),
            roomy: pick(self.roomy, before.roomy, after.roomy),
            temperature: pick(self.temperature, before.temperature, after.temperature),
            thinking: pick(self.thinking, before.thinking, after.thinking),
            stream: pick(self.stream, before.stream, after.stream),
        }
    }

    /// Whether `error` names a feature that this form has and that can be asked for otherwise.
    pub(super) fn is_named_by(self, error: &ServerError) -> bool {
        self.after_named(&error.lowercase(), false).is_some()
    }

    fn after_named(self, text: &str, echoed: bool) -> Option<Self> {
        let text = text.replace("upstream", "");
        let text = text.as_str();
        let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
        // Also where the words speak of thinking: some models call no function while they think.
        if self.rung == Rung::ToolCall && names(&TOOL_WORDS) {
            return self.rung.below().map(|rung| Self { rung, ..self });
        }
        let about_turn =
            ["assistant", "reasoning_content", "thought_signature", "prefill", "empty", "alternate"];
        if echoed && self.echoes && names(&about_turn) {
            return Some(Self { echoes: false, ..self });
        }
        if names(&["max_tokens", "max_completion_tokens"]) {
            let token_limit = match self.token_limit {
                TokenLimit::MaxTokens => TokenLimit::MaxCompletionTokens,
                _ => TokenLimit::Unsaid,
            };
            if token_limit != self.token_limit {
                return Some(Self { token_limit, ..self });
            }
        }
        if names(&["thinking", "reasoning_effort"]) {
            if let Some(thinking) = self.thinking.after(text) {
                return Some(Self { thinking, ..self });
            }
        }
        if names(&["stream"]) {
            if let Some(stream) = self.stream.after(text) {
                return Some(Self { stream, ..self });
            }
        }
        if self.system_turn && names(&SYSTEM_WORDS) {
            return Some(Self { system_turn: false, ..self });
        }
        if self.temperature && names(&["temperature"]) {
            return Some(Self { temperature: false, ..self });
        }
        if names(&FORMAT_WORDS) {
            return self.rung.below().map(|rung| Self { rung, ..self });
        }
        None
    }
}

impl Thinking {
    /// What to say next; each word is tried once, the one that the refusal names first.
    fn after(self, text: &str) -> Option<Self> {
        let order = [Self::Unsaid, Self::Flag, Self::Template, Self::Disabled, Self::NoEffort, Self::GivenUp];
        let at = order.iter().position(|known| *known == self)?;
        if self == Self::Unsaid {
            return Some(if text.contains("chat_template_kwargs") {
                Self::Template
            } else if text.contains("enable_thinking") {
                Self::Flag
            } else if text.contains("reasoning_effort") {
                Self::NoEffort
            } else {
                Self::Disabled
            });
        }
        order.get(at + 1).copied()
    }
}

impl Stream {
    fn after(self, text: &str) -> Option<Self> {
        match self {
            Self::WithUsage => Some(Self::Plain),
            Self::Plain => None,
            Self::Off | Self::Unsaid => {
                let asks_for_one =
                    ["only", "must", "require", "needs", "enable", "not streamed", "non-stream"]
                        .iter()
                        .any(|word| text.contains(word));
                match (asks_for_one, self) {
                    (true, _) => Some(Self::WithUsage),
                    (false, Self::Off) => Some(Self::Unsaid),
                    (false, _) => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str) -> ServerError {
        ServerError { message: message.to_owned(), ..ServerError::default() }
    }

    fn named(form: Form, message: &str) -> Form {
        let next = form.after(&error(message), true, true).unwrap();
        assert!(next.named, "{message}");
        next.form
    }

    #[test]
    fn a_refusal_that_names_a_feature_changes_that_feature_alone() {
        let form = Form::default();
        let below = Form { rung: Rung::ToolCall, ..form };
        for (message, wanted) in [
            ("This response_format type is unavailable now", below),
            ("the name \"additionalProperties\" is not known here", below),
            ("output_config.format: maxItems is not supported", below),
            ("the grammar could not be parsed", below),
            ("this chat template has no system role", Form { system_turn: false, ..form }),
            ("Developer instruction is not enabled for this model", Form { system_turn: false, ..form }),
            ("'temperature' does not support 0.9", Form { temperature: false, ..form }),
            ("max_tokens is unknown", Form { token_limit: TokenLimit::MaxCompletionTokens, ..form }),
            (
                "enable_thinking has to be false when the answer is not streamed",
                Form { thinking: Thinking::Flag, ..form },
            ),
            ("thinking must be disabled here", Form { thinking: Thinking::Disabled, ..form }),
            ("this model only supports stream mode", Form { stream: Stream::WithUsage, ..form }),
            ("Extra inputs are not permitted: stream", Form { stream: Stream::Unsaid, ..form }),
            ("messages: a text block may not be empty", Form { echoes: false, ..form }),
        ] {
            assert_eq!(named(form, message), wanted, "{message}");
        }
    }

    #[test]
    fn a_refused_function_call_is_not_asked_for_in_other_words() {
        let form = Form { rung: Rung::ToolCall, ..Form::default() };
        let below = Form { rung: Rung::JsonObject, ..form };
        for message in [
            "tool_choice is not supported in thinking mode",
            "this model does not support tools",
            "Extra inputs are not permitted: tool_choice",
            "this response_format is unknown",
        ] {
            assert_eq!(named(form, message), below, "{message}");
        }
    }

    #[test]
    fn thinking_that_cannot_be_switched_off_is_streamed() {
        let mut form = Form::default();
        for _ in 0..8 {
            form = named(form, "enable_thinking is restricted to true; only streams are answered");
            if form.stream == Stream::WithUsage {
                assert_eq!(form.thinking, Thinking::GivenUp);
                return;
            }
        }
        panic!("{form:?}");
    }

    #[test]
    fn a_refusal_that_names_nothing_walks_down_every_form_once() {
        let mut form = Form::default();
        let mut forms = vec![form];
        while let Some(next) = form.after(&error("Bad Request"), false, true) {
            assert!(!next.named);
            form = next.form;
            forms.push(form);
        }
        assert_eq!(forms.len(), 7);
        let rungs = [forms[1].rung, forms[2].rung, forms[3].rung];
        assert_eq!(rungs, [Rung::ToolCall, Rung::JsonObject, Rung::PlainText]);
        assert!(forms[3].system_turn && !forms[4].system_turn && forms[4].temperature);
        assert!(!forms[5].temperature && forms[5].stream == Stream::Unsaid);
        assert_eq!(Form::default().after(&error("Bad Request"), false, false), None);
    }
}
