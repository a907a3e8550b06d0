//! Who asks, and what they may: keys, their cache, and the check before every handler.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use spotwright_core::domain::account::{Credential, OrganizationContext, Scope};
use spotwright_core::ports::accounts::{AccountError, AccountStore};
use spotwright_core::ports::clock::Clock;
use spotwright_core::use_cases::{Principal, Who};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{KeyId, OrganizationId};
use tokio::sync::Semaphore;

use crate::key::{KeyText, Pepper};
use crate::operations::{self, Access};
use crate::problem::ApiProblem;
use crate::session::{self, Session, SessionToken, Sessions};
use crate::shares::Share;
use crate::state::{ApiState, App};

/// Keys that are looked up in the database at the same time; more wait for their turn.
const LOOKUPS: usize = 2;

/// Who asks; every handler behind a key gets one.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) context: OrganizationContext,
    pub(crate) scopes: Arc<Credential>,
}

impl Caller {
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.scopes.contains(&scope)
    }

    /// The caller as use cases know it.
    pub(crate) fn principal(&self) -> Principal {
        Principal {
            organization: self.context.organization,
            who: Who::Key(self.context.key),
            scopes: self.scopes.scopes.clone(),
        }
    }
}

struct Cached {
    credential: Arc<Credential>,
    until_micros: i64,
}

/// Checks keys; believes the store's answer for a few seconds.
pub(crate) struct Authenticator {
    accounts: Arc<dyn AccountStore>,
    clock: Arc<dyn Clock>,
    pepper: Pepper,
    sessions: Sessions,
    believed_micros: i64,
    most: usize,
    cache: Mutex<HashMap<KeyId, Cached>>,
    /// Keys looked up at the same time: made-up ones must not take every connection to the database.
    lookups: Semaphore,
}

impl Authenticator {
    pub(crate) fn new(state: &ApiState) -> Self {
        Self {
            accounts: Arc::clone(&state.accounts),
            clock: Arc::clone(&state.clock),
            pepper: state.pepper.clone(),
            sessions: state.sessions.clone(),
            believed_micros: i64::try_from(state.limits.key_cache.as_micros()).unwrap_or(i64::MAX),
            most: state.limits.cached_keys.max(1),
            cache: Mutex::default(),
            lookups: Semaphore::new(LOOKUPS),
        }
    }

    /// The caller behind an `Authorization` header. Whether a key is unknown, wrong, expired or
    /// revoked is not told.
    async fn caller(&self, header: Option<&str>) -> Result<Caller, ApiProblem> {
        let Some(presented) = header else {
            return Err(ApiProblem::new(
                Code::Unauthenticated,
                "authorization",
                "an API key is needed: `Authorization: Bearer sw_live_…`",
            ));
        };
        let refused = || ApiProblem::new(Code::Unauthenticated, "authorization", "holds no valid API key");
        let (scheme, text) = presented.split_once(' ').ok_or_else(refused)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused());
        }
        self.holder(text.trim(), "authorization").await
    }

    /// The holder of a key's text; `field` is where it was given.
    pub(crate) async fn holder(&self, text: &str, field: &str) -> Result<Caller, ApiProblem> {
        let refused = || ApiProblem::new(Code::Unauthenticated, field, "holds no valid API key");
        let (id, text) = KeyText::parse(text).ok_or_else(refused)?;
        let credential = self.current(id).await?.ok_or_else(refused)?;
        if !self.pepper.matches(&text, &credential.mac) {
            return Err(refused());
        }
        Self::unfrozen(id, credential, field)
    }

    /// Who is signed in with a session, if it goes on and its key is still valid.
    pub(crate) async fn signed_in(
        &self,
        token: &SessionToken,
    ) -> Result<Option<(Caller, Session)>, ApiProblem> {
        let Some(session) = self.sessions.find(token, self.clock.now_micros()) else { return Ok(None) };
        let Some(credential) = self.current(session.key).await? else {
            self.sessions.close(token);
            return Ok(None);
        };
        Ok(Some((Self::unfrozen(session.key, credential, "cookie")?, session)))
    }

    fn unfrozen(key: KeyId, credential: Arc<Credential>, field: &str) -> Result<Caller, ApiProblem> {
        if credential.frozen {
            let message = "the operator has frozen the organization; its keys are refused";
            return Err(ApiProblem::new(Code::Frozen, field, message));
        }
        let context = OrganizationContext { organization: credential.organization, key };
        Ok(Caller { context, scopes: credential })
    }

    /// Who sends a request: by its key, or without one by the session of its cookie.
    async fn sender(&self, method: &Method, headers: &HeaderMap) -> Result<Caller, ApiProblem> {
        let given = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or(""));
        let token = session::presented(headers).filter(|_| given.is_none());
        let Some(token) = token else { return self.caller(given).await };
        let Some((caller, _)) = self.signed_in(&token).await? else {
            let message = "the session has ended; sign in again";
            return Err(ApiProblem::new(Code::Unauthenticated, "cookie", message));
        };
        session::expect_own_page(&token, method, headers)?;
        Ok(caller)
    }

    /// The credential of a key that is valid now.
    pub(crate) async fn current(&self, id: KeyId) -> Result<Option<Arc<Credential>>, AccountError> {
        let now = self.clock.now_micros();
        if let Some(credential) = self.cached(id, now) {
            return Ok(Some(credential));
        }
        // The semaphore is never closed, so there is always a turn.
        let _turn = self.lookups.acquire().await.ok();
        if let Some(credential) = self.cached(id, self.clock.now_micros()) {
            return Ok(Some(credential));
        }
        let Some(credential) = self.accounts.credential(id).await? else { return Ok(None) };
        let remaining = credential.remaining_micros.unwrap_or(i64::MAX);
        if credential.revoked || remaining <= 0 {
            return Ok(None);
        }
        let credential = Arc::new(credential);
        let until_micros = now.saturating_add(remaining.min(self.believed_micros));
        self.keep(id, Cached { credential: Arc::clone(&credential), until_micros }, now);
        Ok(Some(credential))
    }

    fn cached(&self, id: KeyId, now: i64) -> Option<Arc<Credential>> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(&id).filter(|cached| now < cached.until_micros).map(|cached| Arc::clone(&cached.credential))
    }

    fn keep(&self, id: KeyId, cached: Cached, now: i64) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= self.most && !cache.contains_key(&id) {
            cache.retain(|_, old| now < old.until_micros);
            if cache.len() >= self.most {
                cache.clear();
            }
        }
        cache.insert(id, cached);
    }

    /// Forgets every key of an organization, so that what became of them is looked up.
    pub(crate) fn forget_all_of(&self, organization: OrganizationId) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|_, cached| cached.credential.organization != organization);
    }

    /// Whether a key that was admitted may go on.
    pub(crate) async fn still_admits(&self, id: KeyId) -> bool {
        matches!(self.current(id).await, Ok(Some(credential)) if !credential.frozen)
    }

    /// Forgets a key that was revoked.
    pub(crate) fn forget(&self, id: KeyId) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Lets a request through to its handler, or refuses it. A route without an entry in the list of
/// operations lets nobody through.
pub(crate) async fn authorize(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match admit(&app, &mut request).await {
        // Held until the answer begins: a stream that goes on after that has a place of its own.
        Ok(_share) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// What an unlisted method or route is answered: its handler, if there is one, is not reached.
fn not_listed(path: &str) -> ApiProblem {
    let methods = operations::methods_of(path);
    if methods.is_empty() {
        return ApiProblem::whole(Code::Forbidden, "nobody may call this address");
    }
    let allow = methods.join(", ");
    let mut problem = ApiProblem::whole(Code::MethodNotAllowed, format!("the address takes {allow}"));
    problem.allow = Some(allow);
    problem
}

/// Who may pass, and the share of the service that is held for it. What everybody may call — health
/// above all — is answered from memory and takes none.
async fn admit(app: &App, request: &mut Request) -> Result<Option<Share>, ApiProblem> {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let path = path.unwrap_or_default();
    let operation = operations::find(&method, &path).ok_or_else(|| not_listed(&path))?;
    let scope = match operation.access {
        Access::Public => return Ok(None),
        Access::AnyKey => None,
        Access::Needs(scope) => Some(scope),
    };
    let caller = app.auth.sender(&method, request.headers()).await?;
    let span = tracing::Span::current();
    span.record("organization", tracing::field::display(caller.context.organization));
    span.record("key", tracing::field::display(caller.context.key));
    app.rate.take(caller.context.key, app.state.clock.now_micros()).map_err(|seconds| {
        let mut problem =
            ApiProblem::whole(Code::RateLimited, "the key has sent more requests than it may per second");
        problem.retry_after_seconds = Some(seconds);
        problem
    })?;
    let share = app.requests.take(caller.context.organization).ok_or_else(|| {
        let message = "your organization has as many requests under way as it may; try again";
        ApiProblem::whole(Code::Unavailable, message)
    })?;
    if let Some(scope) = scope.filter(|scope| !caller.may(*scope)) {
        return Err(ApiProblem::new(
            Code::Forbidden,
            "authorization",
            format!("the key needs the scope `{scope}` for this"),
        ));
    }
    request.extensions_mut().insert(caller);
    Ok(Some(share))
}
