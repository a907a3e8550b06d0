//! Lines of business: what kind of thing is sold, so that scenes and objections fit it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! verticals {
    ($( $(#[$doc:meta])* $variant:ident = $name:literal, )*) => {
        /// The line of business of a product.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Vertical {
            $( $(#[$doc])* #[serde(rename = $name)] $variant, )*
        }

        impl Vertical {
            /// Every vertical.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in files, e.g. `coffee_tea`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

verticals! {
    /// Coffee and tea.
    CoffeeTea = "coffee_tea",
    /// Other packaged food and drink.
    FoodDrink = "food_drink",
    /// Restaurants, cafés, bakeries.
    Restaurant = "restaurant",
    /// Bottles, mugs, cups.
    Drinkware = "drinkware",
    /// Skin care, make-up, hair.
    Beauty = "beauty",
    /// Clothing.
    Clothing = "clothing",
    /// Shoes and socks.
    Shoes = "shoes",
    /// Furniture, bedding, things for the home.
    Home = "home",
    /// Kitchen tools and appliances.
    Kitchen = "kitchen",
    /// Pets.
    Pets = "pets",
    /// Classes for children.
    KidsEducation = "kids_education",
    /// Courses for adults.
    AdultCourses = "adult_courses",
    /// Apps and software.
    App = "app",
    /// Games.
    Game = "game",
    /// Short drama, series, novels.
    Drama = "drama",
    /// Dentists, opticians, physiotherapy, fitness.
    HealthServices = "health_services",
    /// Banking, insurance, bookkeeping.
    Finance = "finance",
    /// Trips, hotels, tickets.
    Travel = "travel",
    /// Electronics.
    Electronics = "electronics",
    /// Sports and outdoor gear.
    SportsOutdoor = "sports_outdoor",
    /// Things for babies and toddlers.
    Baby = "baby",
    /// Cleaning, repairs, moving, hairdressers.
    LocalServices = "local_services",
    /// Anything else.
    General = "general",
}
