//! Terms of an offer: who gets it and when, and what is said of stopping and leaving.

use super::phrases::holds;

/// Whether a term is about taking one's things and going.
pub(super) fn is_about_leaving(text: &str, chinese: bool) -> bool {
    let words: &[&str] =
        if chinese { &["导出", "注销"] } else { &["take your data", "export", "delete your"] };
    words.iter().any(|word| holds(&text.to_lowercase(), word, chinese))
}

/// Whether a term is about stopping or skipping what comes again and again.
pub(super) fn is_about_stopping(text: &str, chinese: bool) -> bool {
    let words: &[&str] = if chinese {
        &["跳过", "暂停", "停订", "退订", "取消订", "随时停", "随时取消"]
    } else {
        &["skip", "pause", "stop deliver", "stop or", "cancel any", "or stop", "cancel when"]
    };
    words.iter().any(|word| holds(&text.to_lowercase(), word, chinese))
}

/// Whether a text tells that something comes or is paid again and again.
pub(super) fn is_recurring(text: &str, chinese: bool) -> bool {
    let words: &[&str] = if chinese {
        &["每月", "每周", "月卡", "包月", "连续", "订阅", "每两周", "一个月", "/月", "按月"]
    } else {
        &[
            "a month",
            "per month",
            "monthly",
            "a week",
            "every week",
            "each week",
            "weekly",
            "subscri",
            "every month",
            "each month",
            "/month",
            "every two weeks",
        ]
    };
    words.iter().any(|word| holds(&text.to_lowercase(), word, chinese))
}

/// Words by which an offer says who gets it, when or where.
const CONDITIONS: (&[&str], &[&str]) = (
    &[
        "新客",
        "新人",
        "新用户",
        "首次",
        "首单",
        "首月",
        "点后",
        "点前",
        "工作日",
        "周末",
        "线上",
        "会员",
        "学生",
        "体验",
        "预订",
        "预定",
        "预售",
        "预约",
        "早鸟",
        "定金",
    ],
    &[
        "new ",
        "first",
        "members",
        "online",
        "after ",
        "before ",
        "weekday",
        "weekend",
        "students",
        "only ",
        "trial",
        "pre-order",
        "preorder",
        "deposit",
        "early bird",
    ],
);

/// Conditions that stand with a price in few words: before it in Chinese, behind it in English.
const SHORT_CONDITIONS: [&[(&str, &str)]; 2] = [
    &[
        ("预订", "预订价"),
        ("预定", "预定价"),
        ("预售", "预售价"),
        ("早鸟", "早鸟价"),
        ("新客", "新客"),
        ("新人", "新人"),
        ("新用户", "新用户"),
        ("首次", "首次"),
        ("首单", "首单"),
        ("首月", "首月"),
        ("会员", "会员价"),
        ("学生", "学生价"),
        ("工作日午市", "工作日午市"),
        ("工作日", "工作日"),
    ],
    &[
        ("pre-order", "on pre-order"),
        ("preorder", "on pre-order"),
        ("members", "for members"),
        ("students", "for students"),
        ("new patients", "for new patients"),
        ("new customers", "for new customers"),
        ("new members", "for new members"),
        ("first order", "on your first order"),
        ("online", "online"),
    ],
];

/// From or until what hour an offer holds: `晚九点后`.
fn hours_in(own: &str) -> Option<&str> {
    let (at, mark) = ["点后", "点前"].iter().find_map(|mark| own.find(mark).map(|at| (at, mark)))?;
    let begins = own[..at]
        .rfind(['，', ',', ' '])
        .map_or(0, |comma| comma + own[comma..].chars().next().map_or(0, char::len_utf8));
    own.get(begins..at + mark.len()).filter(|hours| hours.chars().count() <= 6)
}

/// The price together with the condition that the offer's own fact names (folded), where there is one.
pub(super) fn under_its_condition(now: &str, own: &str, chinese: bool) -> Option<String> {
    if let Some(hours) = hours_in(own).filter(|_| chinese) {
        return Some(format!("{hours}{now}"));
    }
    let [zh, en] = SHORT_CONDITIONS;
    // The longest word tells most: `new members` before `members`.
    let named = (if chinese { zh } else { en }).iter().filter(|(word, _)| holds(own, word, chinese));
    let (_, said) = named.max_by_key(|(word, _)| word.len())?;
    Some(if chinese { format!("{said}{now}") } else { format!("{now} {said}") })
}

/// The conditions of an offer that its own fact names.
pub(super) fn conditions_in(text: &str, chinese: bool) -> Vec<&'static str> {
    let (zh, en) = CONDITIONS;
    let words = if chinese { zh } else { en };
    words.iter().copied().filter(|word| holds(text, word, chinese)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_takes_the_condition_that_its_fact_names() {
        let zh = |own: &str| under_its_condition("268元", own, true);
        assert_eq!(zh("3月20日前预订，两罐268元").as_deref(), Some("预订价268元"));
        assert_eq!(zh("工作日午市双人套餐268元").as_deref(), Some("工作日午市268元"));
        assert_eq!(zh("晚九点后，套餐268元").as_deref(), Some("晚九点后268元"));
        assert_eq!(zh("两罐268元，原价336元"), None);
        let en = |own: &str| under_its_condition("$59", own, false);
        assert_eq!(en("new patients pay $59 instead of $120").as_deref(), Some("$59 for new patients"));
        assert_eq!(en("new members pay $59").as_deref(), Some("$59 for new members"));
        assert_eq!(en("$59 instead of $120"), None);
    }

    #[test]
    fn ordering_before_it_is_there_is_a_condition() {
        assert_eq!(conditions_in("3月20日前预订，两罐268元", true), ["预订"]);
        assert_eq!(conditions_in("$19 on pre-order until may 1", false), ["pre-order"]);
    }

    #[test]
    fn stopping_is_told_from_coming_again() {
        assert!(is_about_stopping("Skip or stop deliveries with one text", false));
        assert!(!is_about_stopping("Move your date for free until noon the day before", false));
        assert!(
            is_recurring("$39 a month, no joining fee", false) && !is_recurring("12 cans for $19", false)
        );
        assert!(is_about_stopping("随时取消，不收费", true) && is_recurring("每月29元", true));
    }
}
