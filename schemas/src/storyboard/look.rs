//! Looks: how shots are laid out, and the style of a whole advertisement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a shot is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The picture fills the frame; caption over a gradient in the lower half.
    FullBleed,
    /// The picture as a card over its own blurred enlargement; caption below.
    Card,
    /// The caption large on the brand color, the picture in a band.
    Poster,
    /// End card: brand, call to action as a button, product picture.
    EndCard,
    /// The picture fills the frame; caption at the top, over a gradient.
    Headline,
    /// The picture fills the frame; every line of the caption stands on a plate of its own.
    Plates,
    /// The picture fills the frame; the caption on a band of color across it.
    Ribbon,
    /// The picture within a margin, the caption below it as on a printed page.
    Framed,
    /// The picture in a circle on the style's ground.
    Circle,
    /// The picture in a doorway with a round top.
    Arch,
    /// The picture, and a closer look at it that slides in.
    Duo,
    /// Three strips of the picture that come in one after another.
    Triptych,
    /// The picture on the screen of a phone.
    Phone,
    /// The product cut out in a pool of light, the caption above. Pictures that cannot be cut out are framed.
    Spotlight,
    /// The product cut out on a pedestal, the caption below.
    Pedestal,
    /// The product cut out before a giant word of the caption.
    GiantWord,
    /// The caption alone, as large as it gets, on a moving ground.
    Statement,
    /// The caption's first figure as large as it gets, the caption below.
    Number,
    /// The caption above, the detail as points that are ticked off.
    Checklist,
    /// The caption as a message, the detail as its answer, over the blurred picture.
    Bubble,
    /// The caption on a ticket with notches, the picture above.
    Ticket,
    /// The caption on a price tag that swings over the picture.
    PriceTag,
    /// The caption's first figure in a starburst over the picture, the caption below.
    Burst,
    /// A map pin with the picture, the caption as its address.
    Place,
    /// A column of color beside the picture, the caption in it.
    SideBand,
    /// End card with the product in a circle or cut out, and the button below.
    EndProduct,
    /// End card of type alone, on a moving ground.
    EndType,
    /// End card with the offer on a ticket.
    EndTicket,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 28] = [
        Self::FullBleed,
        Self::Card,
        Self::Poster,
        Self::EndCard,
        Self::Headline,
        Self::Plates,
        Self::Ribbon,
        Self::Framed,
        Self::Circle,
        Self::Arch,
        Self::Duo,
        Self::Triptych,
        Self::Phone,
        Self::Spotlight,
        Self::Pedestal,
        Self::GiantWord,
        Self::Statement,
        Self::Number,
        Self::Checklist,
        Self::Bubble,
        Self::Ticket,
        Self::PriceTag,
        Self::Burst,
        Self::Place,
        Self::SideBand,
        Self::EndProduct,
        Self::EndType,
        Self::EndTicket,
    ];

    /// Whether the layout shows the button of the last shot.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::EndCard | Self::EndProduct | Self::EndType | Self::EndTicket)
    }
}

/// The look of a whole advertisement: grounds, ornaments, corners, alignment and weight of type.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum VisualStyle {
    /// Brand color in a slow gradient, round corners, a bar before the caption.
    #[default]
    Editorial,
    /// Rays in strong color, large type, slanted bars.
    Sale,
    /// Deep ground, hairlines, type in the middle with air around it.
    Premium,
    /// The accent as ground, bubbles, round corners.
    Playful,
    /// A dark grid with a glow, square marks.
    Tech,
    /// Paper, dark ink, thin rules.
    Documentary,
}

/// What becomes of pictures that show a product on a plain ground, as shops have them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Packshots {
    /// They are shown as they are.
    #[default]
    Kept,
    /// The product is cut out and set on a ground of the brand's colors, with shadow and reflection.
    OnScenes,
}

impl Packshots {
    /// Whether it is what a storyboard that says nothing means.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl VisualStyle {
    /// Every style.
    pub const ALL: [Self; 6] =
        [Self::Editorial, Self::Sale, Self::Premium, Self::Playful, Self::Tech, Self::Documentary];

    /// Whether it is what a storyboard that says nothing means.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
