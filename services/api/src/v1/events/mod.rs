//! What happened in the organization: all runs, and the organization itself.

pub(crate) mod list;
pub(crate) mod stream;

use spotwright_core::use_cases::events::EventsError;

use crate::problem::ApiProblem;

impl From<EventsError> for ApiProblem {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::Refused(problem) => problem.into(),
            EventsError::Store(error) => error.into(),
        }
    }
}
