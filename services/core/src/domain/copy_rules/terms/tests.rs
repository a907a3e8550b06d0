//! Which texts the list forbids, and which contexts excuse.

use super::*;

fn forbidden(text: &str, locale: Locale) -> bool {
    is_forbidden(text, locale, &[])
}

#[test]
fn listed_terms_are_found_in_any_width_and_split() {
    for text in [
        "最好喝的咖啡",
        "全国第一",
        "最 佳口感",
        "顶·级豆子",
        "国家級别不算，国家级算",
        "绝\u{200B}对好喝",
        "史上新低",
    ] {
        assert!(forbidden(text, Locale::ZhCn), "{text}");
    }
    for text in ["The best coffee", "ＢＥＳＴ coffee", "Our #1 roast", "It cures colds", "Risk-free money"]
    {
        assert!(forbidden(text, Locale::EnUs), "{text}");
    }
}

#[test]
fn harmless_neighbors_are_left_alone() {
    for text in [
        "第一口就暖了",
        "最近换了口味",
        "每天第一杯",
        "烘焙日期印在袋上",
        "拒绝对比",
        "买完美式再走",
        "马上，瘾",
    ] {
        assert!(!forbidden(text, Locale::ZhCn), "{text}");
    }
    for text in ["Best before March", "A secure lid", "Bestow a smile", "30-day money-back guarantee"] {
        assert!(!forbidden(text, Locale::EnUs), "{text}");
    }
}

#[test]
fn the_context_decides_about_measures_orders_and_limits() {
    for text in [
        "最长保温6小时",
        "最大承重20公斤",
        "最高可减50元",
        "最多装5个人",
        "最薄处仅2毫米",
        "最大功率1200W",
        "最低工作温度-20℃",
        "最快30分钟送达",
        "最晚周五发货",
        "最小起订量2件",
        "最佳赏味期7天",
        "最高含量98.5%",
        "最高减￥50",
        "第一代釉料沿用至今",
        "第一批春茶",
    ] {
        assert!(!forbidden(text, Locale::ZhCn), "{text}");
    }
    for text in [
        "最懂你的杯子",
        "最大的100人团队",
        "最大品牌10年",
        "全网最低9.9元",
        "销量最高的5款",
        "最好的6小时",
        "最多人选的杯子",
        "全国第一家",
        "行业第一批",
        "第一品牌",
        "全国第一",
        "最高性价比，89元",
        "最低价9.9元",
    ] {
        assert!(forbidden(text, Locale::ZhCn), "{text}");
    }
}

#[test]
fn the_context_decides_about_cures_and_warranties() {
    for text in [
        "Glue cure time is 24 hours",
        "Epoxy cures in 5 minutes",
        "Salt-cured ham, a slow cure",
        "Guaranteed by a 2 year warranty",
        "Guaranteed for 10 years",
        "A 2-year guarantee",
        "Backed by a guarantee of 5 years",
        "Pick your perfect temperature",
        "Ultimate Frisbee proof lid",
        "Cotton from the world's harvests",
    ] {
        assert!(!forbidden(text, Locale::EnUs), "{text}: {:?}", lint(text, Locale::EnUs, &[]));
    }
    for text in [
        "A cure for headaches",
        "Glue that cures headaches",
        "Guaranteed to work",
        "Guaranteed results in 30 days",
        "In 30 days guaranteed success",
        "Perfect taste",
        "The ultimate mug",
        "The world's finest mug",
        "The world's #1 mug",
    ] {
        assert!(forbidden(text, Locale::EnUs), "{text}");
    }
}

#[test]
fn a_trademark_may_hold_a_term() {
    assert!(!is_forbidden("Best Bean, roasted today", Locale::EnUs, &["Best Bean"]));
    assert!(is_forbidden("Best Bean, the best", Locale::EnUs, &["Best Bean"]));
}

#[test]
fn spans_point_into_the_original() {
    let hits = lint("口感ＢＥＳＴ，最·佳", Locale::ZhCn, &[]);
    assert_eq!(hits[0].span, [2, 6]);
    assert_eq!(hits[0].severity, Severity::Warning);
    assert_eq!(hits[1].span[0], 7);
}

#[test]
fn every_term_of_the_list_is_found_where_it_stands_alone() {
    for term in TERMS.iter().filter(|term| term.severity == Severity::Error) {
        let found = lint(term.text, term.locale, &[]);
        assert!(found.iter().any(|hit| hit.term == term.text), "{}", term.text);
    }
}
