//! Names of types whose schemas come from the schema crate, and their schemas.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

macro_rules! foreign {
    ($($name:ident),*) => {$(
        /// The type of the same name of the schema crate.
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                utoipa::openapi::Object::new().into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

foreign!(
    Brand,
    Fact,
    Brief,
    Script,
    Storyboard,
    Layout,
    Motion,
    CaptionMotion,
    VisualStyle,
    Score,
    Delivery,
    Event,
    LoggedEvent,
    ExperimentOrder,
    ExperimentDesign,
    ExperimentPhase,
    ExperimentVerdict,
    ExperimentChoice,
    ReadOut,
    StopReason,
    FeedbackSource,
    Problem
);

/// Puts the schemas of the schema crate in the places of their names.
pub(super) fn add(schemas: &mut Value) {
    use spotwright_schemas::{
        brief, error, event, experiment, organization_event, outcome, script, storyboard,
    };

    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    generator.subschema_for::<brief::Brief>();
    generator.subschema_for::<script::Script>();
    generator.subschema_for::<storyboard::Storyboard>();
    generator.subschema_for::<outcome::Score>();
    generator.subschema_for::<outcome::Delivery>();
    generator.subschema_for::<event::Event>();
    generator.subschema_for::<organization_event::LoggedEvent>();
    generator.subschema_for::<experiment::ExperimentOrder>();
    generator.subschema_for::<experiment::ExperimentDesign>();
    generator.subschema_for::<experiment::ExperimentPhase>();
    generator.subschema_for::<experiment::ExperimentVerdict>();
    generator.subschema_for::<experiment::ExperimentChoice>();
    generator.subschema_for::<experiment::ReadOut>();
    generator.subschema_for::<event::StopReason>();
    generator.subschema_for::<event::FeedbackSource>();
    generator.subschema_for::<error::Problem>();
    let definitions: Map<String, Value> = generator.take_definitions(true);
    if let Some(schemas) = schemas.as_object_mut() {
        schemas.extend(definitions);
    }
}
