//! Every fault that a provider can commit, on clips that are made side by side: each ends as it should, and
//! costs to the micro what the provider charges.

use futures_util::future::join_all;
use spotwright_creative::workflow::{ClipOutcome, TryEnd};
use spotwright_fake_video::{Fault, Plan as Faults, Route};
use spotwright_schemas::money::Micros;

use crate::servers::Server;
use crate::world::{Plan, Reader, World};

/// How a clip is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// With a clip.
    Made,
    /// With a clip of another seed.
    MadeWith(u64),
    /// Without one, after one try.
    Tried(TryEnd),
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy)]
enum When {
    First(u32),
    Always,
}

/// A fault and what is to come of it.
pub(crate) struct Case {
    pub(crate) name: String,
    route: Route,
    when: When,
    fault: Fault,
    pub(crate) ends: Ends,
}

impl Case {
    fn new(route: Route, when: When, fault: Fault, ends: Ends) -> Self {
        let words = format!("{route:?} {when:?} {fault:?}").to_lowercase();
        let name = words.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        Self { name: format!("-{name}-"), route, when, fault, ends }
    }

    pub(crate) fn plan(&self, faults: &Faults) {
        let rule = faults.on(self.route).containing(&self.name);
        match self.when {
            When::First(number) => rule.first(number).fault(self.fault),
            When::Always => rule.always().fault(self.fault),
        }
    }

    /// Whether the clip ended so, and was paid as it is charged.
    pub(crate) fn check(&self, world: &World, outcome: &ClipOutcome) {
        let (server, name) = (world.plan.server, &self.name);
        let told = format!("{server:?} {name}: {outcome:?}, {:?}", world.generations(name));
        match self.ends {
            Ends::Made | Ends::MadeWith(_) => {
                let made = outcome.made.as_ref().unwrap_or_else(|| panic!("{told}"));
                assert!(outcome.tries.is_empty(), "{told}");
                let seed = if let Ends::MadeWith(seed) = self.ends { seed } else { 42 };
                assert_eq!(made.seed, seed, "{told}");
            }
            Ends::Tried(end) => {
                let ends: Vec<TryEnd> = outcome.tries.iter().map(|tried| tried.ended).collect();
                assert_eq!((outcome.made.is_some(), ends), (false, vec![end]), "{told}");
                assert!(!outcome.tries[0].why.is_nothing(), "{told}");
            }
        }
        let (charged, times) = world.charged(name);
        assert_eq!(outcome.cost(), charged, "{told}");
        assert!(times <= 1, "{told}");
        if matches!(self.ends, Ends::Made | Ends::MadeWith(_)) {
            assert_eq!(times, 1, "{told}");
        }
    }
}

/// Makes the clips of all cases at once.
pub(crate) async fn run(plan: Plan, cases: &[Case]) -> World {
    let world = World::new(plan).await;
    for case in cases {
        case.plan(&world.provider.plan());
    }
    let names: Vec<String> = cases.iter().map(|case| case.name.clone()).collect();
    world.ask(&names).await;
    let outcomes = world.finish().await;
    for case in cases {
        case.check(&world, &outcomes[&case.name]);
    }
    let charged: Micros = cases.iter().map(|case| world.charged(&case.name).0).sum();
    assert_eq!(world.bill(), charged, "no clip but those that were asked for");
    world
}

const ONCE: When = When::First(1);

fn refusals(server: Server) -> Vec<Case> {
    let create = |when, fault, ends| Case::new(Route::Create, when, fault, ends);
    let tried = |fault, end| create(When::Always, fault, Ends::Tried(end));
    let mut cases = Vec::new();
    if server.is_kling() {
        // Six classes share 429, and each is treated by its code.
        for code in [1_302, 1_303, 5_000, 5_001, 5_002] {
            cases.push(create(When::First(2), Fault::Code(code), Ends::Made));
        }
        for code in [1_100, 1_101, 1_102, 1_103, 1_304] {
            cases.push(tried(Fault::Code(code), TryEnd::Operator));
        }
        for code in [1_200, 1_201, 1_202, 1_203] {
            cases.push(tried(Fault::Code(code), TryEnd::Refused));
        }
        for code in [1_300, 1_301] {
            cases.push(tried(Fault::Code(code), TryEnd::Policy));
        }
        for code in 1_000..=1_004 {
            cases.push(tried(Fault::Code(code), TryEnd::Operator));
        }
        if server == Server::KlingLegacy {
            // A token is minted again, once.
            cases.push(create(ONCE, Fault::Code(1_004), Ends::Made));
        }
        return cases;
    }
    cases.push(create(When::First(3), Fault::Status(429), Ends::Made));
    for status in [401, 403, 404] {
        cases.push(tried(Fault::Status(status), TryEnd::Operator));
    }
    cases.push(tried(Fault::Status(400), TryEnd::Refused));
    cases
}

/// Answers that are lost on their way, whether the job was taken or not.
pub(crate) fn lost_answers() -> Vec<Case> {
    let create = |fault| Case::new(Route::Create, ONCE, fault, Ends::Made);
    vec![
        create(Fault::Status(500)),
        create(Fault::Status(503)),
        create(Fault::Hang { accepted: true }),
        create(Fault::Hang { accepted: false }),
        create(Fault::Reset { accepted: true }),
        create(Fault::Reset { accepted: false }),
    ]
}

fn looks(server: Server) -> Vec<Case> {
    let poll = |when, fault| Case::new(Route::Poll, when, fault, Ends::Made);
    let create = |fault, ends| Case::new(Route::Create, ONCE, fault, ends);
    let unseen = if server.is_comfy() { TryEnd::Failed } else { TryEnd::Unusable };
    let mut cases = vec![
        poll(When::First(3), Fault::Status(500)),
        poll(When::First(2), Fault::Status(429)),
        poll(When::First(2), Fault::Status(401)),
        poll(ONCE, Fault::Hang { accepted: false }),
        poll(When::First(2), Fault::Reset { accepted: false }),
        create(Fault::RunningWhileQueued, Ends::Made),
        create(Fault::Fails, Ends::Tried(TryEnd::Failed)),
        create(Fault::FailsPolicy, Ends::Tried(TryEnd::Policy)),
        create(Fault::Vanishes, Ends::Tried(TryEnd::Lost)),
    ];
    if !server.is_kling() {
        // A Kling task without a file counts as under way: see the endings.
        cases.push(create(Fault::NoOutputs, Ends::Tried(unseen)));
    }
    if server.tells_seed() {
        cases.push(create(Fault::OtherSeed(99), Ends::MadeWith(99)));
    }
    cases
}

fn downloads() -> Vec<Case> {
    let download = |when, fault| Case::new(Route::Download, when, fault, Ends::Made);
    let create = |fault| Case::new(Route::Create, ONCE, fault, Ends::Tried(TryEnd::Unusable));
    vec![
        download(ONCE, Fault::ExpiredUrl),
        download(When::First(2), Fault::Status(503)),
        download(ONCE, Fault::Truncated { honest_length: true }),
        download(ONCE, Fault::Truncated { honest_length: false }),
        download(ONCE, Fault::NotMp4),
        download(ONCE, Fault::Hang { accepted: false }),
        create(Fault::ExpiredUrl),
        create(Fault::Truncated { honest_length: true }),
        create(Fault::NotMp4),
    ]
}

fn pictures() -> Vec<Case> {
    let create = |fault, ends| Case::new(Route::Create, ONCE, fault, ends);
    let unusable = Ends::Tried(TryEnd::Unusable);
    vec![
        create(Fault::WrongFps(25), Ends::Made),
        create(Fault::WrongSize, Ends::Made),
        create(Fault::WrongLength(20), unusable),
        create(Fault::OneFrame, unusable),
        create(Fault::Black, unusable),
        create(Fault::Frozen, unusable),
    ]
}

/// One test for each server, so that they run side by side.
macro_rules! every_fault {
    ($($name:ident: $server:expr;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let server = $server;
                let mut cases = refusals(server);
                cases.extend(looks(server));
                cases.extend(downloads());
                if server.can_be_found() {
                    cases.extend(lost_answers());
                }
                run(Plan::new(server), &cases).await;
            }
        )+
    };
}

every_fault! {
    faults_of_kling_end_truthfully_and_are_paid_once: Server::KlingCurrent;
    faults_of_kling_on_its_legacy_paths_end_truthfully_and_are_paid_once: Server::KlingLegacy;
    faults_of_vllm_omni_end_truthfully_and_are_paid_once: Server::VllmOmni;
    faults_of_sglang_end_truthfully_and_are_paid_once: Server::Sglang;
    faults_of_tensorrt_llm_end_truthfully_and_are_paid_once: Server::TensorrtLlm;
    faults_of_comfyui_end_truthfully_and_are_paid_once: Server::ComfyJobs;
    faults_of_older_comfyui_end_truthfully_and_are_paid_once: Server::ComfyHistory;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn films_that_are_not_what_was_asked_for_are_mended_or_paid_and_not_shown() {
    // A file is read alike whoever sends it.
    for server in [Server::KlingCurrent, Server::VllmOmni] {
        let plan = Plan { reader: Reader::Decoding, ..Plan::new(server) };
        run(plan, &pictures()).await;
    }
}

/// A server that knows no keys and tells little of its jobs: a lost answer costs the clip where it cannot be
/// told whose a listed job is, and never a second one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_where_jobs_cannot_be_told_apart_counts_as_spent_and_is_not_sent_again() {
    let mut worlds = Vec::new();
    for server in [Server::Sglang, Server::TensorrtLlm] {
        for (idx, mut case) in lost_answers().into_iter().enumerate() {
            let accepted = idx == 2 || idx == 4;
            case.ends = if accepted { Ends::Tried(TryEnd::Lost) } else { Ends::Made };
            worlds.push(async move {
                run(Plan::new(server), &[case]).await;
            });
        }
    }
    join_all(worlds).await;
}
