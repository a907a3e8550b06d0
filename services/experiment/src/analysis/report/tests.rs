//! Verdicts of whole experiments.

use super::*;
use crate::interval::Counts;

fn arm(name: &str, units: u64, successes: u64) -> Arm {
    let primary = Sums::Proportion(Counts::new(units, successes).unwrap());
    Arm { name: name.to_owned(), primary, guardrails: Vec::new() }
}

fn verdict_of(arms: Vec<Arm>, goal: Goal) -> Analysis {
    let units = arms.iter().map(|arm| arm.primary.units()).collect();
    let periods = vec![Period { units, weights: vec![1.0; arms.len()] }];
    let design = Design::of(Metric { name: "click".to_owned(), goal });
    analyze(design, &Observed { arms, periods, days: Some(14.0) }).unwrap()
}

#[test]
fn verdicts_follow_the_numbers_and_the_goal() {
    let arms = || vec![arm("a", 20_000, 1_000), arm("b", 20_000, 1_300), arm("c", 20_000, 1_010)];
    let winner = verdict_of(arms(), Goal::Increase);
    assert_eq!(winner.verdict, Verdict::Winner { arm: "b".to_owned() });
    assert!(winner.comparisons[0].chance_to_be_better.unwrap() > 0.99);
    let less = verdict_of(arms(), Goal::Decrease);
    assert_eq!(less.verdict, Verdict::Undecided);
    assert!(less.comparisons[0].chance_to_be_better.unwrap() < 0.01);
    assert!(less.comparisons[0].expected_loss.unwrap() > 0.1);
    let worse = verdict_of(vec![arm("a", 20_000, 1_300), arm("b", 20_000, 1_000)], Goal::Increase);
    assert_eq!(worse.verdict, Verdict::Control);
    let same = verdict_of(vec![arm("a", 900_000, 90_000), arm("b", 900_000, 90_050)], Goal::Increase);
    assert_eq!(same.verdict, Verdict::NoDifference);
    let few = verdict_of(vec![arm("a", 2_000, 3), arm("b", 2_000, 40)], Goal::Increase);
    assert_eq!(few.verdict, Verdict::TooEarly);
}

#[test]
fn a_verdict_stays_unless_the_experiment_was_wrong() {
    let winner = Verdict::Winner { arm: "b".to_owned() };
    let broken = Verdict::Guardrail { arm: "b".to_owned(), metric: "bounce".to_owned() };
    assert_eq!(standing(None, Verdict::Undecided), Verdict::Undecided);
    assert_eq!(standing(Some(&Verdict::TooEarly), winner.clone()), winner);
    assert_eq!(standing(Some(&winner), Verdict::Undecided), winner);
    assert_eq!(standing(Some(&winner), broken.clone()), broken);
    assert_eq!(standing(Some(&winner), Verdict::Mismatch), Verdict::Mismatch);
}

#[test]
fn arms_that_do_not_fit_the_design_are_refused() {
    let design = || Design::of(Metric { name: "click".to_owned(), goal: Goal::Increase });
    let observed = |arms: Vec<Arm>, units: Vec<u64>| Observed {
        arms,
        periods: vec![Period { weights: vec![1.0; units.len()], units }],
        days: None,
    };
    let one = observed(vec![arm("a", 10, 1)], vec![10]);
    assert_eq!(analyze(design(), &one), Err(Error::Empty));
    let odd = observed(vec![arm("a", 10, 1), arm("b", 10, 1)], vec![10, 10, 10]);
    assert!(matches!(analyze(design(), &odd), Err(Error::Setting { .. })));
    let missing =
        Guardrail { metric: Metric { name: "bounce".to_owned(), goal: Goal::Decrease }, margin: 0.1 };
    let guarded = Design { guardrails: vec![missing], ..design() };
    let fine = observed(vec![arm("a", 10, 1), arm("b", 10, 1)], vec![10, 10]);
    assert!(matches!(analyze(guarded, &fine), Err(Error::Setting { .. })));
    assert!(analyze(design(), &fine).is_ok());
}
