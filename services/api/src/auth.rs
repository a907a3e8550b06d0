//! Who asks, and what they may: keys, their cache, and the check before every handler.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use spotwright_core::domain::account::{Credential, OrganizationContext, Scope};
use spotwright_core::ports::accounts::{AccountError, AccountStore};
use spotwright_core::ports::clock::Clock;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::KeyId;

use crate::key::{KeyText, Pepper};
use crate::operations::{self, Access};
use crate::problem::ApiProblem;
use crate::state::{ApiState, App};

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
    believed_micros: i64,
    most: usize,
    cache: Mutex<HashMap<KeyId, Cached>>,
}

impl Authenticator {
    pub(crate) fn new(state: &ApiState) -> Self {
        Self {
            accounts: Arc::clone(&state.accounts),
            clock: Arc::clone(&state.clock),
            pepper: state.pepper.clone(),
            believed_micros: i64::try_from(state.limits.key_cache.as_micros()).unwrap_or(i64::MAX),
            most: state.limits.cached_keys.max(1),
            cache: Mutex::default(),
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
        let (id, text) = KeyText::parse(text.trim()).ok_or_else(refused)?;
        let credential = self.current(id).await?.ok_or_else(refused)?;
        if !self.pepper.matches(&text, &credential.mac) {
            return Err(refused());
        }
        let context = OrganizationContext { organization: credential.organization, key: id };
        Ok(Caller { context, scopes: credential })
    }

    /// The credential of a key that is valid now.
    pub(crate) async fn current(&self, id: KeyId) -> Result<Option<Arc<Credential>>, AccountError> {
        let now = self.clock.now_micros();
        if let Some(credential) = self.cached(id, now) {
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

    /// Forgets a key that was revoked.
    pub(crate) fn forget(&self, id: KeyId) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Lets a request through to its handler, or refuses it. A route without an entry in the list of
/// operations lets nobody through.
pub(crate) async fn authorize(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match admit(&app, &mut request).await {
        Ok(()) => next.run(request).await,
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

async fn admit(app: &App, request: &mut Request) -> Result<(), ApiProblem> {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let path = path.unwrap_or_default();
    let operation = operations::find(&method, &path).ok_or_else(|| not_listed(&path))?;
    let scope = match operation.access {
        Access::Public => return Ok(()),
        Access::AnyKey => None,
        Access::Needs(scope) => Some(scope),
    };
    let header = request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or(""));
    let caller = app.auth.caller(header).await?;
    let span = tracing::Span::current();
    span.record("organization", tracing::field::display(caller.context.organization));
    span.record("key", tracing::field::display(caller.context.key));
    app.rate.take(caller.context.key, app.state.clock.now_micros()).map_err(|seconds| {
        let mut problem =
            ApiProblem::whole(Code::RateLimited, "the key has sent more requests than it may per second");
        problem.retry_after_seconds = Some(seconds);
        problem
    })?;
    if let Some(scope) = scope.filter(|scope| !caller.may(*scope)) {
        return Err(ApiProblem::new(
            Code::Forbidden,
            "authorization",
            format!("the key needs the scope `{scope}` for this"),
        ));
    }
    request.extensions_mut().insert(caller);
    Ok(())
}
