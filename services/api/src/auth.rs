//! Who asks, and what they may: keys, sessions, their caches, and the check before every handler.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use spotwright_core::domain::account::{Credential, KeyMac, OrganizationContext, Scope};
use spotwright_core::domain::people::{Holder, Session, SessionRights, TokenCodes};
use spotwright_core::ports::accounts::{AccountError, AccountStore};
use spotwright_core::ports::clock::{Clock, MovedClock};
use spotwright_core::ports::people::{PeopleStore, TokenSeal as _};
use spotwright_core::use_cases::{Principal, Who, sessions};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{KeyId, OrganizationId, SessionId};
use spotwright_schemas::mode::Mode;
use tokio::sync::Semaphore;

use crate::forced;
use crate::key::{KeyText, Pepper};
use crate::operations::{self, Access};
use crate::problem::ApiProblem;
use crate::requests::{Asked, AskedCell};
use crate::session::{self, SessionToken};
use crate::shares::Share;
use crate::state::{ApiState, App};

/// Keys and sessions that are looked up in the database at the same time; more wait for their turn.
const LOOKUPS: usize = 2;

/// The network address that a request comes from. Whoever accepts connections puts it among the extensions of
/// their requests; where it is missing, attempts to sign in are counted by their e-mail addresses alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// The id of a request, among its extensions.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// Who asks; every handler behind a key or session gets one.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// What old ports take; follows from the principal.
    pub(crate) context: OrganizationContext,
    /// The session that carried the request; `None`: a key did.
    pub(crate) session: Option<(SessionId, TokenCodes)>,
    pub(crate) request_id: Option<Arc<str>>,
    /// The clock of the organization: that of the program, moved in a sandbox.
    pub(crate) clock: CallerClock,
}

/// The clock that a caller's organization goes by.
#[derive(Clone)]
pub(crate) struct CallerClock(Arc<dyn Clock>);

impl CallerClock {
    fn moved_by(clock: &Arc<dyn Clock>, moved_micros: i64) -> Self {
        let clock = Arc::clone(clock);
        Self(if moved_micros == 0 { clock } else { Arc::new(MovedClock::new(clock, moved_micros)) })
    }

    /// As use cases take it.
    pub(crate) fn as_clock(&self) -> &dyn Clock {
        self.0.as_ref()
    }

    /// Now, in microseconds since 1970 UTC.
    pub(crate) fn now_micros(&self) -> i64 {
        self.0.now_micros()
    }
}

impl std::fmt::Debug for CallerClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallerClock")
    }
}

impl Caller {
    fn new(principal: Principal, session: Option<(SessionId, TokenCodes)>, clock: CallerClock) -> Self {
        Self { context: principal.context(), principal, session, request_id: None, clock }
    }

    /// Whether the caller means it.
    pub(crate) fn mode(&self) -> Mode {
        Mode::of(self.principal.organization)
    }

    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.principal.may(scope)
    }

    /// The same caller with other rights: an operator, in an organization that they name.
    pub(crate) fn within(&self, principal: Principal) -> Self {
        Self { request_id: self.request_id.clone(), ..Self::new(principal, None, self.clock.clone()) }
    }

    /// The key or person whose rights are used.
    pub(crate) fn holder(&self) -> Holder {
        match self.principal.who {
            Who::Person(person) => Holder::Person(person),
            Who::Key(key) => Holder::Key(key),
            // Nobody comes over HTTP as the program; one place for all of it.
            Who::Service(_) => Holder::Key(self.context.key),
        }
    }

    /// The same, as use cases take it.
    pub(crate) fn principal(&self) -> Principal {
        self.principal.clone()
    }
}

struct Cached<T> {
    believed: Arc<T>,
    until_micros: i64,
}

/// What the store said lately.
struct Beliefs<K, T> {
    most: usize,
    known: Mutex<HashMap<K, Cached<T>>>,
}

impl<K: Eq + Hash, T> Beliefs<K, T> {
    fn new(most: usize) -> Self {
        Self { most: most.max(1), known: Mutex::default() }
    }

    fn locked<R>(&self, work: impl FnOnce(&mut HashMap<K, Cached<T>>) -> R) -> R {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn get(&self, name: &K, now: i64) -> Option<Arc<T>> {
        self.locked(|known| {
            known
                .get(name)
                .filter(|cached| now < cached.until_micros)
                .map(|cached| Arc::clone(&cached.believed))
        })
    }

    fn keep(&self, name: K, cached: Cached<T>, now: i64) {
        self.locked(|known| {
            if known.len() >= self.most && !known.contains_key(&name) {
                known.retain(|_, old| now < old.until_micros);
                if known.len() >= self.most {
                    known.clear();
                }
            }
            known.insert(name, cached);
        });
    }

    fn forget(&self, unwanted: impl Fn(&K, &T) -> bool) {
        self.locked(|known| known.retain(|name, cached| !unwanted(name, &cached.believed)));
    }
}

/// Checks keys and sessions; believes the store's answer for a few seconds.
pub(crate) struct Authenticator {
    accounts: Arc<dyn AccountStore>,
    people: Arc<dyn PeopleStore>,
    clock: Arc<dyn Clock>,
    pepper: Pepper,
    believed_micros: i64,
    keys: Beliefs<KeyId, Credential>,
    sessions: Beliefs<[u8; 32], SessionRights>,
    /// Keys and sessions looked up at the same time: made-up ones must not take every connection to the
    /// database.
    lookups: Semaphore,
}

impl Authenticator {
    pub(crate) fn new(state: &ApiState) -> Self {
        Self {
            accounts: Arc::clone(&state.accounts),
            people: Arc::clone(&state.people),
            clock: Arc::clone(&state.clock),
            pepper: state.pepper.clone(),
            believed_micros: i64::try_from(state.limits.key_cache.as_micros()).unwrap_or(i64::MAX),
            keys: Beliefs::new(state.limits.cached_keys),
            sessions: Beliefs::new(state.limits.cached_keys),
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
        self.key_holder(&credential, None, field)
    }

    /// Who is signed in with a session, if it goes on and its key is still valid, or its person still a
    /// member.
    pub(crate) async fn signed_in(
        &self,
        token: &SessionToken,
    ) -> Result<Option<(Caller, Session)>, ApiProblem> {
        self.session_of(&self.pepper.codes(sessions::PURPOSE, token.expose())).await
    }

    async fn session_of(&self, codes: &TokenCodes) -> Result<Option<(Caller, Session)>, ApiProblem> {
        let Some(rights) = self.rights(codes).await? else { return Ok(None) };
        let session = rights.session;
        let own = Some((session.id, *codes));
        let caller = match session.holder {
            Holder::Key(key) => {
                let Some(credential) = self.current(key).await? else { return Ok(None) };
                self.key_holder(&credential, own, "cookie")?
            }
            Holder::Person(_) if rights.role.is_none() => return Ok(None),
            Holder::Person(_) if rights.frozen => return Err(frozen("cookie")),
            Holder::Person(person) => {
                let (organization, scopes) = (session.organization, rights.scopes.clone());
                let clock = CallerClock::moved_by(&self.clock, 0);
                Caller::new(Principal { organization, who: Who::Person(person), scopes }, own, clock)
            }
        };
        Ok(Some((caller, session)))
    }

    fn key_holder(
        &self,
        credential: &Credential,
        session: Option<(SessionId, TokenCodes)>,
        field: &str,
    ) -> Result<Caller, ApiProblem> {
        if credential.frozen {
            return Err(frozen(field));
        }
        let Credential { organization, key, ref scopes, .. } = *credential;
        let clock = CallerClock::moved_by(&self.clock, credential.clock_moved);
        Ok(Caller::new(
            Principal { organization, who: Who::Key(key), scopes: scopes.clone() },
            session,
            clock,
        ))
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
        if let Some(credential) = self.keys.get(&id, now) {
            return Ok(Some(credential));
        }
        // The semaphore is never closed, so there is always a turn.
        let _turn = self.lookups.acquire().await.ok();
        if let Some(credential) = self.keys.get(&id, self.clock.now_micros()) {
            return Ok(Some(credential));
        }
        let Some(credential) = self.accounts.credential(id).await? else { return Ok(None) };
        let remaining = credential.remaining_micros.unwrap_or(i64::MAX);
        if credential.revoked || remaining <= 0 {
            return Ok(None);
        }
        let believed = Arc::new(credential);
        let until_micros = now.saturating_add(remaining.min(self.believed_micros));
        self.keys.keep(id, Cached { believed: Arc::clone(&believed), until_micros }, now);
        Ok(Some(believed))
    }

    /// The rights of a session that goes on.
    async fn rights(&self, codes: &TokenCodes) -> Result<Option<Arc<SessionRights>>, ApiProblem> {
        let KeyMac(name) = codes.current;
        let now = self.clock.now_micros();
        if let Some(rights) = self.sessions.get(&name, now) {
            return Ok(Some(rights));
        }
        let _turn = self.lookups.acquire().await.ok();
        if let Some(rights) = self.sessions.get(&name, self.clock.now_micros()) {
            return Ok(Some(rights));
        }
        let Some(rights) = self.people.session(codes, now).await? else { return Ok(None) };
        let believed = Arc::new(rights);
        let until_micros = believed.session.until.min(now.saturating_add(self.believed_micros));
        self.sessions.keep(name, Cached { believed: Arc::clone(&believed), until_micros }, now);
        Ok(Some(believed))
    }

    /// Forgets every key and session of an organization, so that what became of them is looked up.
    pub(crate) fn forget_all_of(&self, organization: OrganizationId) {
        self.keys.forget(|_, credential| credential.organization == organization);
        self.sessions.forget(|_, rights| rights.session.organization == organization);
    }

    /// Whether who was admitted may go on.
    pub(crate) async fn still_admits(&self, caller: &Caller) -> bool {
        if let Some((_, codes)) = &caller.session {
            return matches!(self.session_of(codes).await, Ok(Some(_)));
        }
        let Who::Key(key) = caller.principal.who else { return false };
        matches!(self.current(key).await, Ok(Some(credential)) if !credential.frozen)
    }

    /// Forgets a key that was revoked.
    pub(crate) fn forget(&self, id: KeyId) {
        self.keys.forget(|key, _| *key == id);
    }

    /// Forgets a session that was ended.
    pub(crate) fn forget_session(&self, token: &SessionToken) {
        let KeyMac(ended) = self.pepper.codes(sessions::PURPOSE, token.expose()).current;
        self.sessions.forget(|name, _| *name == ended);
    }

    /// Forgets the sessions of a holder that were ended, or whose rights have changed.
    pub(crate) fn forget_sessions_of(&self, holder: Holder) {
        self.sessions.forget(|_, rights| rights.session.holder == holder);
    }
}

fn frozen(field: &str) -> ApiProblem {
    let message = "the operator has frozen the organization; its keys are refused";
    ApiProblem::new(Code::Frozen, field, message)
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
    let scopes = match operation.access {
        Access::Public => return Ok(None),
        Access::AnyKey => Vec::new(),
        Access::Needs(scope) => vec![scope],
        Access::AnyOf(scopes) => scopes.to_vec(),
    };
    let mut caller = app.auth.sender(&method, request.headers()).await?;
    caller.request_id = request.extensions().get::<RequestId>().map(|id| Arc::clone(&id.0));
    let span = tracing::Span::current();
    span.record("organization", tracing::field::display(caller.context.organization));
    let holder = caller.holder();
    match holder {
        Holder::Key(key) => span.record("key", tracing::field::display(key)),
        Holder::Person(person) => span.record("person", tracing::field::display(person)),
    };
    // The window of a sandbox goes by its clock, so moving that lets requests in again.
    let rate = app.rate.take(holder, caller.clock.now_micros());
    if let Some(cell) = request.extensions().get::<AskedCell>() {
        let organization = caller.context.organization;
        // Nobody else writes it.
        drop(cell.set(Asked { organization, holder, route: operation.path, rate: rate.standing }));
    }
    if !rate.admitted {
        let mut problem =
            ApiProblem::whole(Code::RateLimited, "the key has sent more requests than it may per second");
        problem.retry_after_seconds = Some(rate.standing.full_in_seconds.max(1));
        return Err(problem);
    }
    let share = app.requests.take(caller.context.organization).ok_or_else(|| {
        let message = "your organization has as many requests under way as it may; try again";
        ApiProblem::whole(Code::Unavailable, message)
    })?;
    if !scopes.is_empty() && !scopes.iter().any(|scope| caller.may(*scope)) {
        let wanted: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
        let message = format!("the scope {} is needed for this", wanted.join(" or "));
        return Err(ApiProblem::new(Code::Forbidden, "authorization", message));
    }
    forced::expect_nothing_forced(caller.mode(), request.headers())?;
    request.extensions_mut().insert(caller);
    Ok(Some(share))
}
