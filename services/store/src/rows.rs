//! Rows as structs.

/// A struct that is read from the columns that are called as its fields are, in the dialect of the
/// module above. `#[derive(sqlx::FromRow)]` would do the same; see `build.rs` for why it is not used.
macro_rules! row {
    ($visibility:vis struct $name:ident { $($field:ident: $kind:ty,)+ }) => {
        $visibility struct $name {
            $($field: $kind,)+
        }

        impl<'r> sqlx::FromRow<'r, <super::Db as sqlx::Database>::Row> for $name {
            fn from_row(row: &'r <super::Db as sqlx::Database>::Row) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: sqlx::Row::try_get(row, stringify!($field))?,)+ })
            }
        }
    };
}
