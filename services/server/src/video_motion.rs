//! The studio sets painted pictures in motion.

use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_core::ports::clip_source::CameraMove;
use spotwright_core::ports::video_backend::{RenderError, RenderRequest, VideoBackend};
use spotwright_core::ports::video_jobs::VideoOrder;
use spotwright_core::spine::Shutdown;
use spotwright_keyframes::{Motion, MotionError, MotionOrder};
use spotwright_render::Studio;
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::storyboard::{self, Storyboard};

use crate::video_jobs;

/// A studio and where its pictures and clips lie.
pub struct StudioMotion {
    studio: Studio,
    artifacts: Arc<dyn ArtifactStore>,
}

impl StudioMotion {
    /// The studio must work on the same artifacts.
    #[must_use]
    pub fn new(studio: Studio, artifacts: Arc<dyn ArtifactStore>) -> Self {
        Self { studio, artifacts }
    }

    /// Work on the artifacts off the caller's thread.
    async fn stored<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn ArtifactStore) -> Result<T, ArtifactError> + Send + 'static,
    ) -> Result<T, MotionError> {
        let artifacts = Arc::clone(&self.artifacts);
        let done = tokio::task::spawn_blocking(move || work(&*artifacts)).await;
        let done = done.map_err(|error| MotionError::Unavailable(error.to_string()))?;
        done.map_err(|error| MotionError::Unavailable(error.to_string()))
    }
}

#[async_trait]
impl Motion for StudioMotion {
    async fn animate(&self, order: &MotionOrder, stop: &Shutdown) -> Result<Vec<u8>, MotionError> {
        let picture = order.picture.clone();
        let hash = self.stored(move |artifacts| artifacts.put(&picture)).await?;
        let request = RenderRequest {
            storyboard: storyboard(order, hash),
            stage: RenderStage::Final,
            produce_id: order.name.clone(),
        };
        let footage = self.studio.render(&request, &order.name, stop).await.map_err(|error| match error {
            RenderError::Stopped => MotionError::Stopped,
            RenderError::Unavailable(message) | RenderError::NoRoom(message) => {
                MotionError::Unavailable(message)
            }
            RenderError::Impossible(message) => MotionError::Impossible(message),
        })?;
        self.stored(move |artifacts| artifacts.get(&footage.artifact)).await
    }
}

/// One shot without words over the picture.
fn storyboard(order: &MotionOrder, picture: ArtifactHash) -> Storyboard {
    let order_of_video = VideoOrder {
        external_id: None,
        prompt: String::new(),
        model: String::new(),
        picture: None,
        size: order.size,
        frames: order.frames,
        fps: order.fps,
        seed: u64::from(order.seed),
    };
    let mut board = video_jobs::storyboard(&order_of_video, picture.0);
    if let Some(motion) = order.camera.as_ref().and_then(motion) {
        for shot in &mut board.shots {
            shot.motion = motion;
        }
    }
    board
}

/// The studio's movement that comes nearest to the camera's; `None` for those that it does not have, which the
/// seed decides.
fn motion(camera: &CameraMove) -> Option<storyboard::Motion> {
    let sideways = if camera.horizontal == 0 { camera.tilt } else { camera.horizontal };
    let closer = camera.zoom;
    match (closer.unsigned_abs() >= sideways.unsigned_abs(), closer.signum(), sideways.signum()) {
        (true, 1, _) => Some(storyboard::Motion::PushIn),
        (true, -1, _) => Some(storyboard::Motion::PullOut),
        (false, _, 1) => Some(storyboard::Motion::PanRight),
        (false, _, -1) => Some(storyboard::Motion::PanLeft),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::storyboard::FrameSize;

    use super::*;

    #[test]
    fn the_camera_is_followed_where_the_studio_can() {
        let still = CameraMove::default();
        assert_eq!(motion(&still), None);
        assert_eq!(motion(&CameraMove { zoom: 3, ..still }), Some(storyboard::Motion::PushIn));
        assert_eq!(motion(&CameraMove { zoom: -3, tilt: 1, ..still }), Some(storyboard::Motion::PullOut));
        assert_eq!(motion(&CameraMove { tilt: -4, ..still }), Some(storyboard::Motion::PanLeft));
        assert_eq!(
            motion(&CameraMove { horizontal: 2, zoom: 1, ..still }),
            Some(storyboard::Motion::PanRight)
        );
        assert_eq!(motion(&CameraMove { roll: 9, ..still }), None);
    }

    #[test]
    fn an_order_is_a_storyboard_of_one_shot_without_words() {
        let order = MotionOrder {
            picture: Vec::new(),
            size: FrameSize { width: 720, height: 1_280 },
            frames: 60,
            fps: 30,
            camera: Some(CameraMove { zoom: 5, ..CameraMove::default() }),
            seed: 2,
            name: "keyframe-1".to_owned(),
        };
        let board = storyboard(&order, ArtifactHash::of(b"picture"));
        assert!(board.validate().is_ok());
        assert_eq!((board.frames(), board.fps, board.shots.len()), (60, 30, 1));
        assert_eq!(board.shots[0].motion, storyboard::Motion::PushIn);
        assert_eq!(board.shots[0].picture, ArtifactHash::of(b"picture").0);
        assert!(board.shots[0].caption.is_empty());
    }
}
