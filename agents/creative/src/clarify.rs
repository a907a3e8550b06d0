//! Questions whose answers would help, and what is assumed when nobody answers.

use serde::{Deserialize, Serialize};
use spotwright_core::domain::copy_rules::quantity::figure;
use spotwright_core::domain::copy_rules::terms::objection;
use spotwright_schemas::brief::{Brief, Evidence, Fact, FactId, FactKind};
use spotwright_schemas::error::Code;
use spotwright_schemas::letters::composed;
use spotwright_schemas::{Language, Problem};

/// Most questions asked about one brief.
pub const MAX_QUESTIONS: usize = 3;

/// Where an answer's fact is said to come from.
pub const ANSWER: &str = "answer";

/// A question to the advertiser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Stable name, e.g. `no_problem`.
    pub id: String,
    /// Field of the brief the answer belongs to.
    pub field: String,
    /// The question in the brief's language.
    pub text: String,
    /// What is done without an answer, in the brief's language; recorded in batch mode.
    pub default: String,
}

/// What became of a question that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The question's id.
    pub question: String,
    /// The fact that the answer is in the run's copy of the brief; `None` where the default was taken.
    pub fact: Option<Fact>,
    /// Who answered: `person`, `key:<id>` or `system`.
    pub by: String,
}

type Row = (&'static str, &'static str, fn(&Brief) -> bool, [&'static str; 2], [&'static str; 2]);

/// In the order of what an answer is worth: a missing kind of fact closes up to six of the 36
/// directions. Only what opens a direction or a structure is asked: a second picture, a short name or the
/// product's type change single shots and lines, never the plan. Texts: English, then Chinese.
const QUESTIONS: &[Row] = &[
    (
        "no_problem",
        "product.facts",
        |brief| lacks(brief, &[FactKind::Problem]),
        ["What bothers your customers before they use the product?", "No script opens with a problem."],
        ["顾客在用上产品之前，有什么烦恼？", "不写从痛点切入的脚本。"],
    ),
    (
        "no_proof",
        "product.facts",
        |brief| lacks(brief, &[FactKind::Proof]),
        [
            "Which test, count or record can you show, and where is it kept?",
            "No script opens with proof; features stand in for it.",
        ],
        ["有哪些可以出示的检测、数据或记录？存放在哪里？", "不写以依据开头的脚本，用产品特点代替。"],
    ),
    (
        "no_price",
        "product.facts",
        |brief| brief.offer.is_none() && lacks(brief, &[FactKind::Price, FactKind::Offer]),
        ["What does it cost, and is there an offer?", "Neither price nor offer is mentioned."],
        ["价格是多少？有没有优惠？", "不提价格和优惠。"],
    ),
    (
        "no_moment",
        "product.facts",
        |brief| lacks(brief, &[FactKind::Moment]),
        ["At what moment of the day is it used?", "No script is set in a moment of the day."],
        ["产品一般在一天中的什么时刻使用？", "不写以生活时刻为主的脚本。"],
    ),
    (
        "no_origin",
        "product.facts",
        |brief| lacks(brief, &[FactKind::Origin]),
        ["Where does it come from, or how is it made?", "No script tells the origin."],
        ["产品来自哪里，或者是怎么做出来的？", "不写讲来历的脚本。"],
    ),
    (
        "no_figure",
        "product.facts",
        |brief| !brief.product.facts.iter().any(|fact| figure(&fact.text, brief.locale).is_some()),
        ["Is there a figure you can prove?", "No script opens with a number."],
        ["有没有可以证明的数字？", "不写以数字开头的脚本。"],
    ),
];

/// The questions worth asking about a brief, most valuable first, at most [`MAX_QUESTIONS`].
#[must_use]
pub fn questions(brief: &Brief) -> Vec<Question> {
    QUESTIONS
        .iter()
        .filter(|(_, _, applies, _, _)| applies(brief))
        .take(MAX_QUESTIONS)
        .map(|(id, field, _, english, chinese)| {
            let [text, default] = match brief.locale.language() {
                Language::English => english,
                Language::Chinese => chinese,
            };
            Question {
                id: (*id).to_owned(),
                field: (*field).to_owned(),
                text: (*text).to_owned(),
                default: (*default).to_owned(),
            }
        })
        .collect()
}

/// The fact that an answer adds to a brief. Its kind follows from the question, its evidence says
/// [`ANSWER`].
///
/// # Errors
/// [`Code::RequestValue`] when the answer does not answer the question or breaks a rule of briefs.
pub fn fact_of_answer(brief: &Brief, question: &str, text: &str) -> Result<Fact, Problem> {
    let refused = |message: String| Problem::new(Code::RequestValue, "signal.text", message);
    let text = composed(text.trim()).trim_end_matches(['.', '。']).trim_end().to_owned();
    if let Some(objection) = objection(brief, &text) {
        return Err(refused(objection.to_string()));
    }
    let has_figure = figure(&text, brief.locale).is_some();
    let kind = match question {
        "no_problem" => FactKind::Problem,
        "no_proof" => FactKind::Proof,
        // Terms without an amount, such as free delivery, are no price.
        "no_price" if has_figure => FactKind::Price,
        "no_price" => FactKind::Offer,
        "no_moment" => FactKind::Moment,
        "no_origin" => FactKind::Origin,
        "no_figure" if has_figure => FactKind::Proof,
        "no_figure" => return Err(refused("must hold a figure".to_owned())),
        other => return Err(refused(format!("`{other}` is not answered with a text"))),
    };
    let taken = |id: &FactId| brief.fact(id).is_some();
    let names = (0_usize..).map(|number| match number {
        0 => format!("{ANSWER}_{question}"),
        _ => format!("{ANSWER}_{question}_{number}"),
    });
    let id = names.map(FactId::new).find(|id| !taken(id)).unwrap_or_else(|| FactId::new(ANSWER));
    let evidence = Some(Evidence { source: ANSWER.to_owned(), quote: None });
    let fact = Fact { id, kind, text, evidence };
    let mut answered = brief.clone();
    answered.product.facts.push(fact.clone());
    answered.validate().map_err(|problem| refused(problem.message))?;
    Ok(fact)
}

fn lacks(brief: &Brief, kinds: &[FactKind]) -> bool {
    !brief.product.facts.iter().any(|fact| kinds.contains(&fact.kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{coffee_en, coffee_zh};
    use crate::plan::possible_directions;

    #[test]
    fn rich_briefs_are_not_questioned() {
        assert!(questions(&coffee_en()).is_empty());
        assert!(questions(&coffee_zh()).is_empty());
    }

    #[test]
    fn poor_briefs_get_the_three_most_valuable_questions() {
        let mut brief = coffee_en();
        brief.product.facts.retain(|fact| fact.kind == FactKind::Benefit);
        brief.product.pictures.truncate(1);
        let asked: Vec<String> = questions(&brief).into_iter().map(|question| question.id).collect();
        assert_eq!(asked, ["no_problem", "no_proof", "no_price"]);
    }

    #[test]
    fn a_brief_with_a_key_offer_is_not_asked_for_its_price() {
        let mut brief = coffee_en();
        brief.product.facts.retain(|fact| !matches!(fact.kind, FactKind::Price | FactKind::Offer));
        assert!(questions(&brief).iter().any(|question| question.id == "no_price"));
        let offer = r#"{ "price_now": "18", "currency": "USD", "evidence": { "source": "price list" } }"#;
        brief.offer = Some(serde_json::from_str(offer).expect("an offer"));
        assert!(questions(&brief).iter().all(|question| question.id != "no_price"));
    }

    /// Every question is worth asking: with an answer there is a direction that there was not before.
    #[test]
    fn every_answer_opens_a_direction() {
        let answers = [
            ("no_problem", FactKind::Problem, "Coffee that turns bitter by the last sip"),
            ("no_proof", FactKind::Proof, "Every batch cupped by 3 roasters before it ships"),
            ("no_price", FactKind::Price, "$18 for a 12 oz bag"),
            ("no_moment", FactKind::Moment, "The first quiet minute of the day"),
            ("no_origin", FactKind::Origin, "Roasted in small batches in Portland, Maine"),
            ("no_figure", FactKind::Proof, "Shipped within 48 hours of roasting"),
        ];
        assert_eq!(answers.map(|(id, _, _)| id), QUESTIONS.iter().map(|row| row.0).collect::<Vec<_>>()[..]);
        let mut brief = coffee_en();
        brief.product.facts.retain(|fact| fact.kind == FactKind::Benefit && fact.id.as_str() == "smooth");
        let before = possible_directions(&brief);
        for (question, kind, text) in answers {
            let fact = fact_of_answer(&brief, question, &format!(" {text}. ")).expect(question);
            assert_eq!((fact.kind, fact.text.as_str()), (kind, text), "{question}");
            assert_eq!(fact.evidence.as_ref().map(|evidence| evidence.source.as_str()), Some(ANSWER));
            let mut answered = brief.clone();
            answered.product.facts.push(fact);
            assert!(possible_directions(&answered).len() > before.len(), "{question}");
            assert!(questions(&answered).iter().all(|other| other.id != question), "{question}");
        }
    }

    #[test]
    fn an_answer_keeps_the_rules_of_briefs() {
        let brief = coffee_en();
        for (question, text) in [
            ("no_figure", "many happy customers"),
            ("no_moment", ""),
            ("no_moment", "The cheap minute of the day"),
            ("no_moment", "a\u{202e}b"),
            ("no_moment", "long ".repeat(40).as_str()),
            ("one_picture", "yes"),
        ] {
            let problem = fact_of_answer(&brief, question, text).expect_err(question);
            assert_eq!((problem.code, problem.field.as_str()), (Code::RequestValue, "signal.text"));
        }
        let offer = fact_of_answer(&brief, "no_price", "Free returns").expect("terms");
        assert_eq!(offer.kind, FactKind::Offer);
    }
}
