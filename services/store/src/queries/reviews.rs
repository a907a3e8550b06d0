//! Approvals and comments. Every statement names the organization whose rows it touches.

use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::review::{
    Approval, ApprovalOf, ApprovalState, Asked, Author, AuthorKind, Change, Comment, CommentState,
    ContentHash, Decision, NewComment, Spot,
};
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::reviews::{
    ApprovalFilter, COMMENTS_OF_A_SHARE, COMMENTS_OF_A_VARIANT, CommentFilter, DECISIONS,
};
use spotwright_core::ports::step_store::StoreError;
use spotwright_core::use_cases::Who;
use spotwright_schemas::ids::{ApprovalId, CommentId, OrganizationId, RunId, ShareId, VariantId};
use uuid::Uuid;

use super::Connection;
use super::accounts::before;
use super::answers::{self, Known, Outcome};
use super::runs::VariantRow;
use crate::convert::{database, from_json, from_name, to_json, unsigned};

/// Something was written, or there are as many as there may be: of what, and how many.
pub(super) type Bounded<T> = Result<T, (&'static str, u32)>;

/// Who somebody is, with what they are called now.
pub(super) async fn author(conn: &mut Connection, who: &Who) -> Result<Author, StoreError> {
    let (kind, id, names) = match who {
        Who::Person(person) => (AuthorKind::Person, person.0, Some("SELECT name FROM person WHERE id = $1")),
        Who::Key(key) => (AuthorKind::Key, key.0, Some("SELECT name FROM api_key WHERE id = $1")),
        Who::Service(_) => (AuthorKind::Service, Uuid::nil(), None),
    };
    let Some(names) = names else { return Ok(Author { kind, id: None, name: None }) };
    let name: Option<String> =
        sqlx::query_scalar(names).bind(id).fetch_optional(conn).await.map_err(database)?;
    Ok(Author { kind, id: Some(id), name })
}

/// Refuses a variant that is none of the organization's.
async fn must_be_own(
    conn: &mut Connection,
    organization: OrganizationId,
    variant: VariantId,
) -> Result<(), StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT r.position FROM variant v JOIN run r ON r.id = v.run_id \
         WHERE v.id = $1 AND r.organization_id = $2",
    )
    .bind(variant.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    found.map(|_| ()).ok_or_else(|| StoreError::Missing("variant".to_owned()))
}

macro_rules! approval_columns {
    () => {
        "position, id, run_id, variant_id, content_hash, state, asked, decisions"
    };
}

row! {
    struct ApprovalRow {
        position: i64,
        id: Uuid,
        run_id: Uuid,
        variant_id: Uuid,
        content_hash: String,
        state: String,
        asked: Option<String>,
        decisions: String,
    }
}

impl ApprovalRow {
    fn into_approval(self) -> Result<Positioned<Approval>, StoreError> {
        let row = Approval {
            id: ApprovalId(self.id),
            variant: VariantId(self.variant_id),
            run: RunId(self.run_id),
            content: ContentHash(self.content_hash),
            state: from_name("state of an approval", &self.state)?,
            asked: self.asked.map(|text| from_json("wish of a decision", &text)).transpose()?,
            decisions: from_json("decisions", &self.decisions)?,
        };
        Ok(Positioned { position: self.position, row })
    }
}

/// The approval of a variant and content, made where there is none; all of the variant's are locked, in
/// their order.
async fn ensure(
    conn: &mut Connection,
    organization: OrganizationId,
    of: &ApprovalOf,
    asked: Option<&Asked>,
) -> Result<Approval, StoreError> {
    must_be_own(conn, organization, of.variant).await?;
    sqlx::query(
        "INSERT INTO approval (id, organization_id, run_id, variant_id, content_hash, state, asked, decisions) \
         VALUES ($1, $2, $3, $4, $5, 'waiting', $6, '[]') ON CONFLICT (variant_id, content_hash) DO NOTHING",
    )
    .bind(of.id.0)
    .bind(organization.0)
    .bind(of.run.0)
    .bind(of.variant.0)
    .bind(of.content.as_str())
    .bind(asked.map(to_json).transpose()?)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let rows: Vec<ApprovalRow> = sqlx::query_as(concat!(
        "SELECT ",
        approval_columns!(),
        " FROM approval WHERE variant_id = $1 ORDER BY position ",
        locked!()
    ))
    .bind(of.variant.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    let row = rows.into_iter().find(|row| row.content_hash == of.content.as_str());
    let row = row.ok_or_else(|| StoreError::Contradiction("an approval is gone again".to_owned()))?;
    Ok(row.into_approval()?.row)
}

/// Writes where an approval stands, and that it supersedes the others of its variant.
async fn settle(conn: &mut Connection, approval: &Approval) -> Result<(), StoreError> {
    sqlx::query("UPDATE approval SET state = $2, decisions = $3 WHERE id = $1")
        .bind(approval.id.0)
        .bind(approval.state.as_str())
        .bind(to_json(&approval.decisions)?)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    sqlx::query(
        "UPDATE approval SET state = 'superseded' WHERE variant_id = $1 AND id <> $2 AND state <> 'superseded'",
    )
    .bind(approval.variant.0)
    .bind(approval.id.0)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(())
}

pub(super) async fn ask(
    conn: &mut Connection,
    organization: OrganizationId,
    of: &ApprovalOf,
    asked: &Asked,
) -> Result<Approval, StoreError> {
    let mut approval = ensure(conn, organization, of, Some(asked)).await?;
    if approval.state == ApprovalState::Superseded {
        // The variant is again what it was: what was said then counts again.
        let last = approval.decisions.last().map(|decision| decision.verdict.into());
        approval.state = last.unwrap_or(ApprovalState::Waiting);
    }
    settle(conn, &approval).await?;
    Ok(approval)
}

pub(super) async fn decide(
    conn: &mut Connection,
    organization: OrganizationId,
    of: &ApprovalOf,
    decision: &Decision,
) -> Result<Bounded<Approval>, StoreError> {
    let mut approval = ensure(conn, organization, of, None).await?;
    if approval.decisions.len() >= DECISIONS as usize {
        return Ok(Err(("decisions about this content", DECISIONS)));
    }
    approval.state = decision.verdict.into();
    approval.decisions.push(decision.clone());
    settle(conn, &approval).await?;
    Ok(Ok(approval))
}

/// The newest approval of a variant that nothing supersedes.
pub(super) async fn current(
    conn: &mut Connection,
    organization: OrganizationId,
    variant: VariantId,
) -> Result<Option<Approval>, StoreError> {
    let row: Option<ApprovalRow> = sqlx::query_as(concat!(
        "SELECT ",
        approval_columns!(),
        " FROM approval WHERE variant_id = $1 AND organization_id = $2 AND state <> 'superseded' \
         ORDER BY position DESC LIMIT 1"
    ))
    .bind(variant.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    row.map(|row| row.into_approval().map(|positioned| positioned.row)).transpose()
}

/// Approvals of an organization, by `approval_by_state` or `approval_by_organization`.
pub(super) async fn approvals(
    conn: &mut Connection,
    organization: OrganizationId,
    filter: &ApprovalFilter,
    page: Page,
) -> Result<Vec<Positioned<Approval>>, StoreError> {
    let rows: Vec<ApprovalRow> = sqlx::query_as(concat!(
        "SELECT ",
        approval_columns!(),
        " FROM approval WHERE organization_id = $1 AND position < $2 AND ($3 IS NULL OR state = $3) \
         AND ($4 IS NULL OR variant_id = $4) AND ($5 IS NULL OR run_id = $5) ORDER BY position DESC LIMIT $6"
    ))
    .bind(organization.0)
    .bind(before(page))
    .bind(filter.state.map(ApprovalState::as_str))
    .bind(filter.variant.map(|variant| variant.0))
    .bind(filter.run.map(|run| run.0))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(ApprovalRow::into_approval).collect()
}

/// What a variant is now.
pub(super) async fn content(
    conn: &mut Connection,
    organization: OrganizationId,
    variant: VariantId,
) -> Result<Option<ContentHash>, StoreError> {
    let row: Option<VariantRow> = sqlx::query_as(
        "SELECT v.id, v.run_id, v.generation, v.number, v.state, v.final_gate, v.body \
         FROM variant v JOIN run r ON r.id = v.run_id WHERE v.id = $1 AND r.organization_id = $2",
    )
    .bind(variant.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.map(VariantRow::into_variant).transpose()?.map(|variant| ContentHash::of(&variant)))
}

/// How many open comments a variant has, by `review_comment_by_variant`.
pub(super) async fn open_comments(
    conn: &mut Connection,
    organization: OrganizationId,
    variant: VariantId,
    share: Option<ShareId>,
) -> Result<u64, StoreError> {
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM review_comment WHERE variant_id = $1 AND organization_id = $2 \
         AND state = 'open' AND ($3 IS NULL OR share_id = $3)",
    )
    .bind(variant.0)
    .bind(organization.0)
    .bind(share.map(|share| share.0))
    .fetch_one(conn)
    .await
    .map_err(database)?;
    unsigned("number of comments", open)
}

macro_rules! comment_columns {
    () => {
        "position, id, run_id, variant_id, content_hash, body, millis, x, y, share_id, author, state, changed, \
         created_at"
    };
}

row! {
    struct CommentRow {
        position: i64,
        id: Uuid,
        run_id: Uuid,
        variant_id: Uuid,
        content_hash: String,
        body: String,
        millis: Option<i64>,
        x: Option<i64>,
        y: Option<i64>,
        share_id: Option<Uuid>,
        author: String,
        state: String,
        changed: Option<String>,
        created_at: i64,
    }
}

impl CommentRow {
    fn into_comment(self) -> Result<Positioned<Comment>, StoreError> {
        let spot = match (self.x, self.y) {
            (Some(x), Some(y)) => Some(Spot { x: unsigned("place", x)?, y: unsigned("place", y)? }),
            _ => None,
        };
        let said = NewComment {
            id: CommentId(self.id),
            variant: VariantId(self.variant_id),
            run: RunId(self.run_id),
            content: ContentHash(self.content_hash),
            text: self.body,
            millis: self.millis.map(|millis| unsigned("moment", millis)).transpose()?,
            spot,
            share: self.share_id.map(ShareId),
            by: from_json("author", &self.author)?,
            at: self.created_at,
        };
        let changed: Option<Change> =
            self.changed.map(|text| from_json("change of a comment", &text)).transpose()?;
        let state = from_name("state of a comment", &self.state)?;
        Ok(Positioned { position: self.position, row: Comment { said, state, changed } })
    }
}

pub(super) async fn comment(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    new: &NewComment,
) -> Result<Bounded<Outcome<Comment>>, StoreError> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(Ok(outcome)),
    };
    must_be_own(conn, context.organization, new.variant).await?;
    let (of_variant, of_share): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM review_comment WHERE variant_id = $1), \
         (SELECT count(*) FROM review_comment WHERE share_id = $2)",
    )
    .bind(new.variant.0)
    .bind(new.share.map(|share| share.0))
    .fetch_one(&mut *conn)
    .await
    .map_err(database)?;
    if of_variant >= i64::from(COMMENTS_OF_A_VARIANT) {
        return Ok(Err(("comments on this variant", COMMENTS_OF_A_VARIANT)));
    }
    if of_share >= i64::from(COMMENTS_OF_A_SHARE) {
        return Ok(Err(("comments by this link", COMMENTS_OF_A_SHARE)));
    }
    sqlx::query(
        "INSERT INTO review_comment (id, organization_id, run_id, variant_id, content_hash, body, millis, x, y, \
         share_id, author, state, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', $12)",
    )
    .bind(new.id.0)
    .bind(context.organization.0)
    .bind(new.run.0)
    .bind(new.variant.0)
    .bind(new.content.as_str())
    .bind(&new.text)
    .bind(new.millis.map(i64::from))
    .bind(new.spot.map(|spot| i64::from(spot.x)))
    .bind(new.spot.map(|spot| i64::from(spot.y)))
    .bind(new.share.map(|share| share.0))
    .bind(to_json(&new.by)?)
    .bind(new.at)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let comment = Comment { said: new.clone(), state: CommentState::Open, changed: None };
    answers::keep(conn, context, write, now, comment).await.map(Ok)
}

pub(super) async fn comments(
    conn: &mut Connection,
    organization: OrganizationId,
    filter: &CommentFilter,
    page: Page,
) -> Result<Vec<Positioned<Comment>>, StoreError> {
    let rows: Vec<CommentRow> = sqlx::query_as(concat!(
        "SELECT ",
        comment_columns!(),
        " FROM review_comment WHERE variant_id = $1 AND organization_id = $2 AND position < $3 \
         AND ($4 IS NULL OR state = $4) AND ($5 IS NULL OR share_id = $5) ORDER BY position DESC LIMIT $6"
    ))
    .bind(filter.variant.0)
    .bind(organization.0)
    .bind(before(page))
    .bind(filter.state.map(CommentState::as_str))
    .bind(filter.share.map(|share| share.0))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(CommentRow::into_comment).collect()
}

pub(super) async fn comment_with(
    conn: &mut Connection,
    organization: OrganizationId,
    id: CommentId,
) -> Result<Comment, StoreError> {
    let row: Option<CommentRow> = sqlx::query_as(concat!(
        "SELECT ",
        comment_columns!(),
        " FROM review_comment WHERE id = $1 AND organization_id = $2"
    ))
    .bind(id.0)
    .bind(organization.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.ok_or_else(|| StoreError::Missing("comment".to_owned()))?.into_comment()?.row)
}

pub(super) async fn set_comment(
    conn: &mut Connection,
    organization: OrganizationId,
    id: CommentId,
    state: CommentState,
    change: &Change,
) -> Result<Comment, StoreError> {
    sqlx::query(
        "UPDATE review_comment SET state = $3, changed = $4 \
         WHERE id = $1 AND organization_id = $2 AND state <> $3",
    )
    .bind(id.0)
    .bind(organization.0)
    .bind(state.as_str())
    .bind(to_json(change)?)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    comment_with(conn, organization, id).await
}
