//! Advertising law on the words of a script: the rule packs and the table of terms, with the facts of
//! the brief as what the advertiser can prove.

use spotwright_core::domain::copy_rules::compliance::{self, Claim, Rules};
use spotwright_core::domain::copy_rules::names;
use spotwright_core::domain::copy_rules::terms::{self, Hit};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::script::Role;

use super::{Check, Finding, Severity};
use crate::copywriter;

/// What counts in this text. Claims that the brief proves, harmless contexts and denials do not.
pub(super) fn findings(brief: &Brief, text: &str, role: Option<Role>) -> Vec<Finding> {
    if text.is_empty() {
        return Vec::new();
    }
    let claim = Claim::of_brief(brief, copywriter::vertical_of(brief), text);
    let judged = match Rules::shipped() {
        Ok(rules) => rules.lint(&claim, brief.locale),
        // Nothing may pass unjudged.
        Err(problem) => {
            let message = problem.to_string();
            return vec![super::error(Check::Compliance, "rule_packs", role, text, message)];
        }
    };
    let hits = terms::lint(text, brief.locale, &names::of(brief));
    let listed = hits.iter().filter(|hit| hit.exception.is_none() && !is_settled(hit, &judged));
    let mut findings: Vec<Finding> = listed.map(|hit| of_term(hit, text, role)).collect();
    findings.extend(
        judged.iter().filter(|finding| finding.exception.is_none()).map(|found| of_rule(found, text, role)),
    );
    findings
}

/// Whether a pack has judged the same words: it excuses them, or counts them at least as heavily.
fn is_settled(hit: &Hit, judged: &[compliance::Finding]) -> bool {
    judged.iter().any(|finding| {
        let covers = finding.span[0] <= hit.span[0] && hit.span[1] <= finding.span[1];
        let excused = finding.exception.is_some() && finding.category == hit.category;
        covers && (excused || (finding.exception.is_none() && finding.severity >= hit.severity))
    })
}

fn of_term(hit: &Hit, text: &str, role: Option<Role>) -> Finding {
    Finding {
        check: Check::Compliance,
        rule: format!("{}.{}", hit.category.as_str(), hit.term),
        severity: hit.severity,
        role,
        subject: text.to_owned(),
        message: format!("`{}` is not allowed in advertising copy", hit.term),
        law: hit.law.to_owned(),
        span: Some(hit.span),
        rewrite: hit.rewrite.to_owned(),
    }
}

fn of_rule(found: &compliance::Finding, text: &str, role: Option<Role>) -> Finding {
    let message = match found.severity {
        Severity::Error => format!("`{}` is not allowed in advertising copy", found.text),
        Severity::Warning => format!("`{}` needs proof, or other words", found.text),
    };
    Finding {
        check: Check::Compliance,
        rule: found.rule.clone(),
        severity: found.severity,
        role,
        subject: text.to_owned(),
        message,
        law: found.law.clone(),
        span: Some(found.span),
        rewrite: found.rewrite.clone(),
    }
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::brief::{Brief, Vertical};

    use super::*;

    fn brief(vertical: Vertical) -> Brief {
        let text = include_bytes!("../../../../examples/coffee-zh/brief.yaml");
        let mut brief = Brief::from_yaml(text).unwrap();
        brief.product.vertical = Some(vertical);
        brief
    }

    fn errors(vertical: Vertical, text: &str) -> Vec<String> {
        let found = findings(&brief(vertical), text, None);
        found.into_iter().filter(|one| one.severity == Severity::Error).map(|one| one.rule).collect()
    }

    #[test]
    fn a_promise_that_the_line_of_business_forbids_stops_the_line() {
        assert!(!errors(Vertical::Finance, "每月稳定进账，工资之外多一份").is_empty());
        assert!(!errors(Vertical::AdultCourses, "考不上全额退，保过").is_empty());
        assert!(!errors(Vertical::FoodDrink, "一杯下去，告别失眠").is_empty());
    }

    #[test]
    fn a_disguised_word_stops_the_line_with_its_place_and_law() {
        let found = findings(&brief(Vertical::FoodDrink), "蕞*好*喝的一杯", None);
        let one = found.iter().find(|one| one.severity == Severity::Error).unwrap();
        assert_eq!(one.span.map(|span| span[0]), Some(0));
        assert!(one.law.contains("Advertising Law"), "{}", one.law);
    }

    #[test]
    fn a_denial_and_the_names_of_the_brief_are_no_claims() {
        assert!(errors(Vertical::Finance, "不保本，不承诺收益").is_empty());
        let mut brief = brief(Vertical::FoodDrink);
        brief.brand.name = "最鲜".to_owned();
        assert!(findings(&brief, "最鲜，今天开门", None).is_empty());
    }

    #[test]
    fn what_a_fact_proves_is_no_finding() {
        let mut brief = brief(Vertical::Electronics);
        let line = "续航36小时，出差不带充电器";
        assert!(!findings(&brief, line, None).is_empty());
        let fact = brief.product.facts.iter_mut().find(|fact| fact.kind.needs_evidence()).unwrap();
        fact.text = "连续播放36小时，续航按最大音量一半测".to_owned();
        assert!(findings(&brief, line, None).is_empty());
    }
}
