//! Questions whose answers would help, and what is assumed when nobody answers.

use serde::{Deserialize, Serialize};
use spotwright_core::domain::copy_rules::quantity::figure;
use spotwright_schemas::Language;
use spotwright_schemas::brief::{Brief, FactKind};

/// Most questions asked about one brief.
pub const MAX_QUESTIONS: usize = 3;

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

type Row = (&'static str, &'static str, fn(&Brief) -> bool, [&'static str; 2], [&'static str; 2]);

/// In the order of what an answer is worth: a missing kind of fact closes up to six of the 36
/// directions; a single picture costs variety only. Texts: English, then Chinese.
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
        |brief| lacks(brief, &[FactKind::Price, FactKind::Offer]),
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
        "one_picture",
        "product.pictures",
        |brief| brief.product.pictures.len() == 1,
        ["Is there a second picture of the product?", "Every shot uses the same picture."],
        ["还有没有别的产品图？", "所有镜头使用同一张图片。"],
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

fn lacks(brief: &Brief, kinds: &[FactKind]) -> bool {
    !brief.product.facts.iter().any(|fact| kinds.contains(&fact.kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{coffee_en, coffee_zh};

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
}
