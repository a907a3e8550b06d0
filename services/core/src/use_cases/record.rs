//! Writing down what was changed.

use serde_json::Value;
use spotwright_schemas::Problem;
use spotwright_schemas::ids::{AuditEntryId, OrganizationId};

use super::principal::{Principal, Who};
use crate::domain::account::Scope;
use crate::domain::audit::{Action, Actor, NewAuditEntry, Target};
use crate::ports::audit::AuditLog;
use crate::ports::clock::Clock;
use crate::ports::entropy::{Entropy, random_id};

/// What a use case writes its changes down with.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Where.
    pub log: &'a dyn AuditLog,
    /// When.
    pub clock: &'a dyn Clock,
    /// Ids of entries.
    pub entropy: &'a dyn Entropy,
    /// The request that is being answered; `None` where there is none.
    pub request_id: Option<&'a str>,
}

impl Principal {
    /// Who makes a change in an organization: with an operator's key, or in an organization that is not
    /// their own, that is an operator.
    #[must_use]
    pub fn actor_in(&self, organization: OrganizationId) -> Actor {
        match self.who {
            Who::Key(key) if organization != self.organization || self.may(Scope::Operator) => {
                Actor::Operator(key)
            }
            Who::Key(key) => Actor::Key(key),
            Who::Person(person) => Actor::Person(person),
            Who::Service(_) => Actor::Service,
        }
    }
}

impl Record<'_> {
    /// An entry that is yet to be written.
    ///
    /// # Errors
    /// `Code::Unavailable` without random bytes.
    #[expect(clippy::needless_pass_by_value, reason = "callers name what they changed in place")]
    pub fn entry(
        &self,
        organization: OrganizationId,
        actor: Actor,
        action: Action,
        target: (&'static str, impl ToString),
    ) -> Result<NewAuditEntry, Problem> {
        Ok(NewAuditEntry {
            id: AuditEntryId(random_id(self.entropy)?),
            organization,
            at: self.clock.now_micros(),
            actor,
            action,
            target: Target { kind: target.0, id: target.1.to_string() },
            before: None,
            after: None,
            request_id: self.request_id.map(str::to_owned),
        })
    }

    /// Writes down what `by` has changed in an organization.
    ///
    /// The change is made and stays, whatever becomes of this: an entry that cannot be written is told to the
    /// log of the program with everything in it.
    pub async fn note(
        &self,
        by: &Principal,
        organization: OrganizationId,
        action: Action,
        target: (&'static str, impl ToString + Send),
        after: Option<Value>,
    ) {
        let entry = match self.entry(organization, by.actor_in(organization), action, target) {
            Ok(entry) => NewAuditEntry { after, ..entry },
            Err(problem) => {
                tracing::error!(%problem, %action, %organization, "a change is missing in the audit log");
                return;
            }
        };
        if let Err(error) = self.log.append(&entry).await {
            tracing::error!(%error, ?entry, "a change is missing in the audit log");
        }
    }
}
