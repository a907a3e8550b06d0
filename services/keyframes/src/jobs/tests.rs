//! Jobs, with work that the test leads.

use std::sync::mpsc::{Receiver, Sender, channel};

use spotwright_core::ports::clip_source::ClipTask;
use spotwright_schemas::storyboard::FrameSize;

use super::*;

const SHORT: Duration = Duration::from_secs(20);

/// Work that the test leads step by step: it tells what it begins, and does what it is told.
struct Led {
    begun: Sender<String>,
    orders: Receiver<Order>,
}

enum Order {
    Percent(u8),
    /// Until told to stop.
    Wait,
    Panic,
    End(Result<Vec<u8>, ClipError>),
}

impl Work for Led {
    fn make(
        &mut self,
        request: &ClipRequest,
        stop: &Shutdown,
        progress: &dyn Fn(u8),
    ) -> Result<Vec<u8>, ClipError> {
        self.begun.send(request.prompt.clone()).unwrap();
        loop {
            match self.orders.recv().unwrap() {
                Order::Percent(percent) => progress(percent),
                Order::Wait => {
                    while !stop.is_set() {
                        std::thread::yield_now();
                    }
                    return Err(failed("stopped"));
                }
                Order::Panic => panic!("the work was told to panic"),
                Order::End(result) => return result,
            }
        }
    }
}

struct Lead {
    jobs: Jobs,
    begun: Receiver<String>,
    orders: Sender<Order>,
}

impl Lead {
    fn new(waiting: usize) -> Self {
        let ((begun_in, begun), (orders, orders_out)) = (channel(), channel());
        let work = Led { begun: begun_in, orders: orders_out };
        Self { jobs: Jobs::new(Box::new(work), waiting), begun, orders }
    }

    fn submit(&self, prompt: &str) -> JobId {
        self.jobs.submit(&request(prompt), prompt).unwrap()
    }

    fn begun(&self) -> String {
        self.begun.recv_timeout(SHORT).unwrap()
    }

    fn order(&self, order: Order) {
        self.orders.send(order).unwrap();
    }

    fn until(&self, id: &JobId, is: impl Fn(&Stand) -> bool) -> Stand {
        for _ in 0..2_000 {
            let stand = self.jobs.stand(id).unwrap();
            if is(&stand) {
                return stand;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{:?}", self.jobs.stand(id));
    }

    fn ended(&self, id: &JobId) -> Stand {
        self.until(id, |stand| matches!(stand, Stand::Done(..) | Stand::Failed(_)))
    }
}

fn request(prompt: &str) -> ClipRequest {
    ClipRequest {
        task: ClipTask::Picture,
        prompt: prompt.to_owned(),
        negative_prompt: String::new(),
        first_frame: None,
        last_frame: None,
        references: Vec::new(),
        camera: None,
        size: FrameSize { width: 720, height: 1_280 },
        frames: 0,
        fps: 30,
        seed: 5,
        sound: false,
    }
}

#[test]
fn jobs_are_made_one_after_the_other_and_tell_how_far_they_are() {
    let lead = Lead::new(4);
    let (first, second) = (lead.submit("first"), lead.submit("second"));
    assert_eq!(lead.begun(), "first");
    lead.order(Order::Percent(40));
    lead.until(&first, |stand| *stand == Stand::Running(40));
    assert_eq!(lead.jobs.stand(&second), Ok(Stand::Queued));
    assert!(lead.begun.try_recv().is_err());
    lead.order(Order::End(Ok(vec![1])));
    assert_eq!(lead.begun(), "second");
    assert_eq!(lead.jobs.stand(&first), Ok(Stand::Done(Arc::from([1_u8]), 5)));
    lead.order(Order::End(Err(ClipError::new(ClipErrorKind::Failed, "no memory"))));
    let Stand::Failed(error) = lead.ended(&second) else { panic!("it did not fail") };
    assert_eq!((error.message.as_str(), error.charged), ("no memory", Some(Micros::ZERO)));
}

#[test]
fn a_key_is_one_job_for_one_request() {
    let lead = Lead::new(4);
    let id = lead.submit("cup");
    assert_eq!(lead.submit("cup"), id);
    assert_eq!(lead.jobs.find("cup"), Some(id.clone()));
    assert_eq!(lead.jobs.find("mug"), None);
    let other = lead.jobs.submit(&request("mug"), "cup").unwrap_err();
    assert_eq!(other.kind, ClipErrorKind::BadRequest);
    assert_eq!(lead.begun(), "cup");
    lead.order(Order::End(Ok(vec![7])));
    lead.ended(&id);
    // Also after its end.
    assert_eq!(lead.submit("cup"), id);
    assert!(lead.begun.try_recv().is_err());
}

#[test]
fn more_than_may_wait_come_again_later() {
    let lead = Lead::new(1);
    lead.submit("first");
    assert_eq!(lead.begun(), "first");
    lead.submit("second");
    let error = lead.jobs.submit(&request("third"), "third").unwrap_err();
    assert_eq!((error.kind, error.may_have_begun), (ClipErrorKind::Busy, false));
    assert!(error.retry_after.is_some());
    assert_eq!(lead.jobs.find("third"), None);
}

#[test]
fn jobs_are_called_off_at_no_cost_until_they_are_done() {
    let lead = Lead::new(4);
    let (first, second) = (lead.submit("first"), lead.submit("second"));
    assert_eq!(lead.begun(), "first");
    assert_eq!(lead.jobs.cancel(&second), Cancelled::Free);
    lead.order(Order::Wait);
    assert_eq!(lead.jobs.cancel(&first), Cancelled::Free);
    for id in [&first, &second] {
        let Stand::Failed(error) = lead.ended(id) else { panic!("it did not fail") };
        assert_eq!((error.message.as_str(), error.charged), ("the job was called off", Some(Micros::ZERO)));
        assert_eq!(lead.jobs.cancel(id), Cancelled::Free);
    }
    let third = lead.submit("third");
    assert_eq!(lead.begun(), "third");
    lead.order(Order::End(Ok(vec![3])));
    lead.ended(&third);
    assert_eq!(lead.jobs.cancel(&third), Cancelled::MayGoOn);
    assert!(matches!(lead.jobs.stand(&third), Ok(Stand::Done(..))));
}

#[test]
fn a_panic_fails_its_job_and_no_other() {
    let lead = Lead::new(4);
    let first = lead.submit("first");
    lead.order(Order::Panic);
    let Stand::Failed(error) = lead.ended(&first) else { panic!("it did not fail") };
    assert!(error.message.contains("panic"), "{error}");
    let second = lead.submit("second");
    lead.order(Order::End(Ok(vec![2])));
    assert!(matches!(lead.ended(&second), Stand::Done(..)));
}

#[test]
fn what_is_not_known_costs_nothing_and_can_be_made_again_under_the_same_key() {
    let before = Lead::new(4);
    let id = before.submit("cup");
    assert_eq!(before.begun(), "cup");
    drop(before);
    let after = Lead::new(4);
    let error = after.jobs.stand(&id).unwrap_err();
    assert_eq!((error.kind, error.charged), (ClipErrorKind::UnknownJob, Some(Micros::ZERO)));
    assert_eq!(after.jobs.find("cup"), None);
    assert_eq!(after.jobs.cancel(&id), Cancelled::Free);
    assert_eq!(after.submit("cup"), id);
}

#[test]
fn old_results_make_room_for_new_ones() {
    let lead = Lead::new(100);
    let ids: Vec<JobId> = (0..KEPT + 2).map(|number| lead.submit(&format!("job {number}"))).collect();
    for _ in &ids {
        lead.begun();
        lead.order(Order::End(Ok(vec![1])));
    }
    assert!(matches!(lead.ended(&ids[KEPT + 1]), Stand::Done(..)));
    assert_eq!(lead.jobs.stand(&ids[0]).unwrap_err().kind, ClipErrorKind::UnknownJob);
    assert_eq!(lead.jobs.stand(&ids[1]).unwrap_err().kind, ClipErrorKind::UnknownJob);
    assert!(lead.jobs.stand(&ids[2]).is_ok());
}

#[test]
fn nothing_made_is_no_result() {
    let lead = Lead::new(4);
    let id = lead.submit("cup");
    lead.order(Order::End(Ok(Vec::new())));
    assert!(matches!(lead.ended(&id), Stand::Failed(_)));
}
