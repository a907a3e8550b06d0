//! Laws of the policies.

use proptest::prelude::*;

use super::*;

fn policies() -> Vec<Policy> {
    vec![
        Policy::Uniform,
        Policy::ExploreThenCommit { explore: 4 },
        Policy::Greedy,
        Policy::Thompson,
        Policy::TopTwoThompson { leader: 0.5 },
        Policy::UpperConfidence { width: 0.7, cooling: 1.0 },
        Policy::cooled_thompson(),
        Policy::linear_thompson(),
        Policy::curious_thompson(),
        Policy::block_knowledge_gradient(),
    ]
}

fn arm(relative_rate: f64, trials: u64, successes: u64) -> Arm {
    Arm { relative_rate, counts: Counts::new(trials, successes).unwrap() }
}

fn state(arms: &[Arm], batch: u32, impressions: u64) -> State<'_> {
    let remaining = impressions * u64::from(19 - batch);
    State { arms, prior: Prior::default(), horizon: Horizon { batch, batches: 20, impressions, remaining } }
}

fn arms() -> impl Strategy<Value = Vec<Arm>> {
    let counts = (0_u64..3_000).prop_flat_map(|n| (Just(n), 0..=n.min(60)));
    prop::collection::vec((0.3_f64..3.0, counts), 1..8)
        .prop_map(|arms| arms.into_iter().map(|(rate, (n, k))| arm(rate, n, k)).collect())
}

#[test]
fn the_level_is_learned_and_the_prior_stays_relative() {
    let prior = Prior::default();
    let arms = [arm(1.5, 60_000, 1_500), arm(0.5, 60_000, 500)];
    assert!((prior.level(&arms) - 2_003.75 / 120_300.0).abs() < 1e-12);
    // Traffic on the better arm raises the pooled rate, not the level of an average arm.
    let skewed = [arm(1.5, 60_000, 1_500), arm(0.5, 0, 0)];
    assert!((prior.level(&skewed) - 0.016_67).abs() < 1e-4, "{}", prior.level(&skewed));
    let plain = Prior { exposure: Exposure::Plain, ..prior };
    assert!(plain.level(&skewed) > 0.0249);
}

#[test]
fn posteriors_are_those_of_the_formula() {
    let prior = Prior { strength: 600.0, exposure: Exposure::Plain, ..Prior::default() };
    let posteriors = prior.posteriors(&[arm(1.2, 100, 3), arm(0.8, 100, 1)]).unwrap();
    let level = (4.0 + 3.75) / 500.0;
    assert!((posteriors[0].alpha() - (600.0 * level * 1.2 + 3.0)).abs() < 1e-9);
    assert!((posteriors[1].beta() - (600.0 * (1.0 - level * 0.8) + 99.0)).abs() < 1e-9);
}

#[test]
fn explore_then_commit_explores_then_commits() {
    let arms = [arm(1.0, 400, 2), arm(1.0, 400, 12), arm(1.0, 400, 5)];
    let policy = Policy::ExploreThenCommit { explore: 4 };
    let early = allocate(policy, &state(&arms, 3, 300), Stream::new(1, "etc")).unwrap();
    assert!(early.impressions.iter().all(|n| *n > 60), "{early:?}");
    let late = allocate(policy, &state(&arms, 4, 300), Stream::new(1, "etc")).unwrap();
    assert_eq!((late.impressions, late.propensities), (vec![0, 300, 0], vec![0.0, 1.0, 0.0]));
}

#[test]
fn draws_happen_as_often_as_propensities_say() {
    let arms = [arm(1.1, 500, 6), arm(1.0, 300, 5), arm(0.9, 700, 6)];
    for policy in policies() {
        if matches!(policy, Policy::BlockKnowledgeGradient(_)) {
            continue;
        }
        let state = state(&arms, 2, 160);
        let mut totals = [0.0; 3];
        let mut expected = Vec::new();
        let runs = 400;
        for run in 0..runs {
            let allocation = allocate(policy, &state, Stream::new(run, "frequencies")).unwrap();
            for (total, n) in totals.iter_mut().zip(&allocation.impressions) {
                *total += *n as f64 / 160.0 / runs as f64;
            }
            expected = allocation.propensities;
        }
        for (total, propensity) in totals.iter().zip(&expected) {
            assert!((total - propensity).abs() < 0.05, "{policy:?} {totals:?} {expected:?}");
        }
    }
}

#[test]
fn the_last_batch_of_horizon_aware_policies_is_greedy() {
    let arms = [arm(1.0, 2_000, 20), arm(1.0, 900, 20), arm(1.0, 0, 0)];
    let greedy = allocate(Policy::Greedy, &state(&arms, 19, 77), Stream::new(1, "last")).unwrap();
    for policy in [Policy::cooled_thompson(), Policy::block_knowledge_gradient()] {
        let last = allocate(policy, &state(&arms, 19, 77), Stream::new(1, "last")).unwrap();
        assert_eq!(last.impressions, greedy.impressions, "{policy:?}");
    }
}

#[test]
fn an_untried_arm_is_worth_a_look_early_and_not_late() {
    // The second arm is expected a little worse but nothing is known of it.
    let arms = [arm(1.0, 6_000, 78), arm(0.95, 0, 0)];
    let early =
        allocate(Policy::block_knowledge_gradient(), &state(&arms, 0, 800), Stream::new(1, "look")).unwrap();
    assert!(early.impressions[1] > 0, "{early:?}");
    let late =
        allocate(Policy::block_knowledge_gradient(), &state(&arms, 19, 800), Stream::new(1, "look")).unwrap();
    assert_eq!(late.impressions, [800, 0]);
}

#[test]
fn curiosity_leads_to_what_a_look_may_teach_and_ends_with_the_test() {
    // The second arm is expected to do worse, but nothing is known of it.
    let arms = [arm(1.0, 6_000, 78), arm(0.75, 0, 0)];
    let Policy::LinearThompson(curious) = Policy::curious_thompson() else { unreachable!() };
    let share = |curiosity: f64, batch: u32| {
        let policy = Policy::LinearThompson(LinearThompson { curiosity, ..curious });
        allocate(policy, &state(&arms, batch, 800), Stream::new(3, "curious")).unwrap().propensities[1]
    };
    let early = [0.0, 0.5, 1.0].map(|curiosity| share(curiosity, 4));
    assert!(early[0] < early[1] && early[1] < early[2], "{early:?}");
    assert_eq!(share(2.0, 19), 0.0, "nothing comes after the last batch");
}

#[test]
fn a_level_of_which_nothing_is_known_is_learned_from_the_clicks() {
    let arms = [arm(1.0, 4_000, 20), arm(1.0, 4_000, 90), arm(1.0, 0, 0)];
    let mut state = state(&arms, 17, 640);
    // A standard deviation of 280 log-odds.
    state.prior.level_impressions = 0.001;
    for policy in [Policy::linear_thompson(), Policy::curious_thompson()] {
        let shares = allocate(policy, &state, Stream::new(5, "level")).unwrap().propensities;
        assert!(shares[0] < 0.01 && shares[1] > 0.7, "{policy:?} {shares:?}");
    }
}

#[test]
fn linear_thompson_learns_whether_the_prior_is_right() {
    // The prior orders the arms wrongly; clicks of three arms say so, and the fourth, unseen, is
    // judged by it.
    let right = [arm(2.0, 4_000, 100), arm(1.0, 4_000, 50), arm(0.5, 4_000, 25), arm(1.9, 0, 0)];
    let wrong = [arm(2.0, 4_000, 25), arm(1.0, 4_000, 50), arm(0.5, 4_000, 100), arm(1.9, 0, 0)];
    let share = |arms: &[Arm]| {
        allocate(Policy::linear_thompson(), &state(arms, 5, 640), Stream::new(2, "linear"))
            .unwrap()
            .propensities[3]
    };
    assert!(share(&right) > 0.2 && share(&wrong) < 0.1, "{} {}", share(&right), share(&wrong));
}

#[test]
fn bad_inputs_are_errors() {
    let good = [arm(1.0, 10, 1)];
    let stream = Stream::new(1, "bad");
    assert_eq!(allocate(Policy::Greedy, &state(&[], 0, 10), stream), Err(Error::Empty));
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let arms = [arm(1.0, 0, 0), Arm { relative_rate: rate, counts: Counts::default() }];
        assert!(matches!(
            allocate(Policy::Greedy, &state(&arms, 0, 10), stream),
            Err(Error::Arm { index: 1, .. })
        ));
    }
    let mut broken = state(&good, 0, 10);
    broken.prior.level = 1.0;
    assert!(matches!(allocate(Policy::Greedy, &broken, stream), Err(Error::Setting { name: "level", .. })));
    let Policy::LinearThompson(curious) = Policy::curious_thompson() else { unreachable!() };
    for policy in [
        Policy::TopTwoThompson { leader: 1.5 },
        Policy::UpperConfidence { width: f64::NAN, cooling: 1.0 },
        Policy::CooledThompson { width: 1.0, cooling: 1.0, blocks: 0 },
        Policy::BlockKnowledgeGradient(BlockKnowledgeGradient { weight: -1.0, ..Default::default() }),
        Policy::LinearThompson(LinearThompson { curiosity: -0.5, ..curious }),
        Policy::LinearThompson(LinearThompson { draws: 0, ..curious }),
    ] {
        assert!(
            matches!(allocate(policy, &state(&good, 0, 10), stream), Err(Error::Setting { .. })),
            "{policy:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn allocations_sum_to_the_batch(arms in arms(), batch in 0_u32..20, impressions in 0_u64..900, seed in 0_u64..100) {
        for policy in policies() {
            let state = state(&arms, batch, impressions);
            let allocation = allocate(policy, &state, Stream::new(seed, "law")).unwrap();
            prop_assert_eq!(allocation.impressions.iter().sum::<u64>(), impressions);
            prop_assert_eq!(allocation.impressions.len(), arms.len());
            prop_assert!(allocation.propensities.iter().all(|share| (0.0..=1.0).contains(share)));
            prop_assert!((allocation.propensities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            // Nothing is shown that could not have been chosen (Monte-Carlo propensities may miss
            // what is rare).
            if allocation.computed == Propensities::Exact {
                for (n, share) in allocation.impressions.iter().zip(&allocation.propensities) {
                    prop_assert!(*n == 0 || *share > 0.0, "{:?} {:?}", policy, allocation);
                }
            }
            prop_assert_eq!(&allocation, &allocate(policy, &state, Stream::new(seed, "law")).unwrap());
        }
    }

    #[test]
    fn a_dominating_arm_is_never_less_likely(n in 1_u64..3_000, k in 0_u64..50, more in 1_u64..30, batch in 0_u32..20) {
        // Equal priors and impressions, more clicks: no policy favors the arm with fewer.
        let arms = [arm(1.0, n + 100, k + more), arm(1.0, n + 100, k)];
        for policy in policies() {
            let allocation = allocate(policy, &state(&arms, batch, 400), Stream::new(4, "dominance")).unwrap();
            let slack = match allocation.computed {
                Propensities::Exact => 1e-9,
                Propensities::MonteCarlo { draws } => 4.0 * (0.25 / f64::from(draws)).sqrt(),
            };
            if !matches!(policy, Policy::BlockKnowledgeGradient(_)) {
                prop_assert!(
                    allocation.propensities[0] >= allocation.propensities[1] - slack,
                    "{:?} {:?}", policy, allocation
                );
            }
        }
    }

    #[test]
    fn the_chance_of_the_largest_normal_is_that_of_two(mean in -2.0_f64..2.0, a in 0.2_f64..3.0, b in 0.2_f64..3.0) {
        let chance = gaussian::best(&[mean, 0.0], &[a, b])[0];
        let exact = 0.5 * statrs::function::erf::erfc(-mean / (a * a + b * b).sqrt() / std::f64::consts::SQRT_2);
        prop_assert!((chance - exact).abs() < 1e-3, "{chance} {exact}");
    }
}
