//! Tests of the engine: what is found, where, and what excuses it.

use super::*;

fn claim(text: &str, category: &str, evidence: &[&str]) -> Claim {
    Claim {
        evidence: evidence.iter().map(|entry| (*entry).to_owned()).collect(),
        category: Some(category.to_owned()),
        ..Claim::plain(text)
    }
}

fn counted(claim: &Claim, locale: Locale) -> Vec<Finding> {
    let findings = Rules::shipped().unwrap().lint(claim, locale);
    findings.into_iter().filter(|finding| finding.exception.is_none()).collect()
}

fn chinese(text: &str, category: &str) -> Vec<Finding> {
    counted(&claim(text, category, &[]), Locale::ZhCn)
}

fn english(text: &str, category: &str) -> Vec<Finding> {
    counted(&claim(text, category, &[]), Locale::EnUs)
}

#[test]
fn every_pack_compiles_and_no_rule_has_the_name_of_another() {
    let rules = Rules::read(SHIPPED, SHIPPED_SOUNDS).unwrap();
    let mut ids: Vec<&str> = rules.ids().collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    assert!(all > 50, "{all}");
}

#[test]
fn a_damaged_pack_is_named() {
    let problem =
        Rules::read(&[("mine.yaml", "language: zh\nrules: [{id: a}]")], SHIPPED_SOUNDS).unwrap_err();
    assert_eq!((problem.code, problem.field.as_str()), (Code::Prerequisite, "mine.yaml"));
    let pack =
        "language: zh\nrules: [{id: a, category: absolute, severity: error, law: x, patterns: ['{none}']}]";
    assert!(Rules::read(&[("mine.yaml", pack)], SHIPPED_SOUNDS).is_err());
}

#[test]
fn disguises_are_seen_through_and_spans_point_into_the_original() {
    for (text, words) in [
        ("音质第①，来听", "第①"),
        ("zui好用的神器", "zui好"),
        ("蕞好吃的糕", "蕞好"),
        ("顶.级羊绒", "顶.级"),
        ("國家級導遊", "國家級"),
        ("全城最🔥好吃", "最🔥好"),
        ("苐一酥脆", "苐一"),
        ("绝*对*放心", "绝*对"),
        ("最\u{200B}佳口感", "最\u{200B}佳"),
    ] {
        let found = chinese(text, "food");
        let holds = |finding: &Finding| {
            finding.category == Category::Absolute
                && (finding.text.contains(words) || words.contains(&finding.text))
        };
        assert!(found.iter().any(holds), "{text}: {found:?}");
    }
    for (text, category) in [
        ("c u r e s back pain", "medical"),
        ("cυres eczema", "medical"),
        ("b00sts 1mmunity all winter", "health_food"),
        ("gu.ar.an.teed returns", "finance"),
        ("guar@nteed returns", "finance"),
        ("Ｃｕｒｅｓ ｃｏｌｄｓ", "health_food"),
        ("#l rated mop", "home"),
    ] {
        let found = english(text, category);
        assert!(!found.is_empty(), "{text}");
        assert_eq!(found[0].span[0], 0, "{text}: {found:?}");
    }
}

#[test]
fn what_only_looks_like_a_claim_is_left_alone() {
    for (text, category) in [
        ("绒 野 · 白 色 · 大 号，一条普通的毛巾", "home"),
        ("第①步烧水，第②步下面", "food"),
        ("第一次露营？装备清单发你", "travel"),
        ("醉蟹、醉虾、醉鸡，周五开缸", "food"),
        ("袖口最容易脏，所以我们做成可拆的", "clothing"),
        ("家用微波炉可加热", "food"),
        ("加V形切口，撕开更顺手", "food"),
        ("增值税发票可以开", "real_estate"),
    ] {
        let found = chinese(text, category);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
    for (text, category) in [
        ("A compass on the sleeve", "clothing"),
        ("n u t s. that's the whole list.", "food"),
        ("Best before the date on the lid.", "food"),
        ("Kill boredom on the subway.", "app"),
        ("Number 1 Mill Lane, the yellow door.", "local"),
        ("Sugar-free gum, gluten-free crackers.", "food"),
    ] {
        let found = english(text, category);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn denials_excuse_only_what_they_deny() {
    for text in ["不保本，不承诺收益", "没有稳赚的买卖", "\"零风险\"这种话，我们不会说"]
    {
        assert!(chinese(text, "finance").is_empty(), "{text}");
    }
    let found = chinese("我们不说最好，我们就是最好", "food");
    assert_eq!(found.iter().map(|finding| finding.span[0]).collect::<Vec<_>>(), [11]);
    assert!(english("Not a get-rich-quick scheme. Just a spreadsheet.", "finance").is_empty());
}

#[test]
fn the_record_excuses_what_it_names_and_nothing_else() {
    let text = "除螨率99.9%";
    let proved = claim(text, "home", &["检测报告：除螨率99.9%"]);
    assert!(counted(&proved, Locale::ZhCn).is_empty());
    let all = Rules::shipped().unwrap().lint(&proved, Locale::ZhCn);
    assert!(
        all.iter().any(|finding| finding.exception.as_deref() == Some("on record: 检测报告：除螨率99.9%"))
    );
    for evidence in [&["检测报告：除螨率87%"][..], &["营业执照"], &[]] {
        assert!(!counted(&claim(text, "home", evidence), Locale::ZhCn).is_empty(), "{evidence:?}");
    }
    let stock =
        |entry: &str| !counted(&claim("Only 40 jars made.", "food", &[entry]), Locale::EnUs).is_empty();
    assert!(!stock("Batch sheet: 40 jars"));
    assert!(stock("Batch sheet: 4,000 jars"));
    assert!(stock("Only for show: offer repeats every week, 40 jars each"));
}

#[test]
fn a_trademark_on_record_names_the_goods() {
    let text = "\"最鲜\"牌酱油到店";
    assert!(counted(&claim(text, "food", &["\"最鲜\"为注册商标"]), Locale::ZhCn).is_empty());
    assert!(!counted(&claim(text, "food", &[]), Locale::ZhCn).is_empty());
    let named = Claim { names: vec!["最鲜".to_owned()], ..claim(text, "food", &[]) };
    assert!(counted(&named, Locale::ZhCn).is_empty());
}

#[test]
fn the_rule_follows_the_product() {
    let category = |product: &str| chinese("根治湿疹", product)[0].category;
    assert_eq!(category("medical"), Category::Medical);
    assert_eq!(category("cosmetics"), Category::Cosmetics);
    assert_eq!(category("health_food"), Category::HealthFood);
}

#[test]
fn without_a_line_of_business_its_rules_warn() {
    let of = |category: Option<&str>| {
        let claim = Claim { category: category.map(str::to_owned), ..Claim::plain("90天提分150") };
        counted(&claim, Locale::ZhCn)
    };
    assert!(of(Some("education")).iter().any(|finding| finding.severity == Severity::Error));
    assert!(of(None).iter().all(|finding| finding.severity == Severity::Warning));
    assert!(!of(None).is_empty());
}

#[test]
fn nothing_panics_on_odd_texts() {
    for text in ["", " ", "\u{FE0F}", "①", "最", "zui", "a a a", "$$$", "🇨🇳", "第", "。。。", "\"", "1O0%"]
    {
        for locale in [Locale::ZhCn, Locale::EnUs] {
            let length = text.chars().count();
            for finding in counted(&Claim::plain(text), locale) {
                assert!(
                    finding.span[0] < finding.span[1] && finding.span[1] <= length,
                    "{text}: {finding:?}"
                );
            }
        }
    }
}
