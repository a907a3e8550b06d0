//! Previews: key frames, small and silent, on which scripts are scored.

use serde_json::json;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::video_backend::Rendered;
use spotwright_schemas::event::{Payload, RenderStage, VariantRendered};

use crate::workflow::decide::Decision;
use crate::workflow::trace::Chapter;

impl Decision<'_> {
    pub(in crate::workflow) fn previewed(&mut self, mut variant: Variant, rendered: Rendered) {
        let detail = json!({ "artifact": rendered.artifact, "statistics": rendered.statistics });
        self.trace(Chapter::Previewed, variant.number, "variant.previewed", Some(variant.id), detail);
        self.tell(
            "render",
            Payload::VariantRendered(VariantRendered {
                variant: variant.id,
                generation: variant.generation,
                stage: RenderStage::Preview,
                artifact: rendered.artifact.0.clone(),
            }),
        );
        variant.state = VariantState::Previewed;
        variant.body.preview = Some(rendered);
        self.commit.variants.push(variant);
    }
}
