// Several videos played in step: one clock, at most one of them with sound.

/** How far a video may run apart before it is set right, in seconds. */
const DRIFT = 0.12;
const LOOK_MS = 250;

export class Playback {
  playing = $state(false);
  at = $state(0);
  length = $state(0);
  sound = $state(false);
  /** Whether stills have become videos: a hundred video elements cost seconds, a hundred stills nothing. */
  armed = $state(false);
  private videos = new Set<HTMLVideoElement>();
  private timer: ReturnType<typeof setInterval> | undefined;

  /** Attach to a video element while it is on the page. */
  readonly attach = (video: HTMLVideoElement): (() => void) => {
    this.videos.add(video);
    const known = (): void => {
      if (Number.isFinite(video.duration)) this.length = Math.max(this.length, video.duration);
    };
    video.addEventListener('loadedmetadata', known);
    known();
    if (!this.playing && this.at > 0) {
      video.preload = 'metadata';
      video.currentTime = this.at;
    }
    // One that scrolls into view joins the others.
    if (this.playing) {
      video.preload = 'auto';
      video.currentTime = this.at;
      this.apply();
      void video.play().catch(() => undefined);
    }
    return () => {
      video.removeEventListener('loadedmetadata', known);
      this.videos.delete(video);
      // Lists drop and make rows while they are scrolled; only when none came back the playing is over.
      setTimeout(() => {
        if (this.videos.size === 0) this.stop();
      }, LOOK_MS);
    };
  };

  async toggle(): Promise<void> {
    if (this.playing) return this.stop();
    this.armed = true;
    if (this.length > 0 && this.at >= this.length - 0.05) this.seek(0);
    this.playing = true;
    this.apply();
    await Promise.all(
      [...this.videos].map((video) => {
        video.preload = 'auto';
        return video.play().catch(() => undefined);
      }),
    );
    clearInterval(this.timer);
    this.timer = setInterval(() => this.keep(), LOOK_MS);
  }

  stop(): void {
    this.playing = false;
    clearInterval(this.timer);
    for (const video of this.videos) video.pause();
  }

  seek(seconds: number): void {
    this.armed = true;
    this.at = seconds;
    for (const video of this.videos) {
      if (video.readyState === 0) video.preload = 'metadata';
      video.currentTime = seconds;
    }
  }

  hear(sound: boolean): void {
    this.sound = sound;
    this.apply();
  }

  private apply(): void {
    for (const [idx, video] of [...this.videos].entries()) video.muted = !this.sound || idx > 0;
  }

  private keep(): void {
    const [first] = this.videos;
    if (!first) return;
    this.at = first.currentTime;
    for (const video of this.videos)
      if (video.readyState > 1 && !video.ended && Math.abs(video.currentTime - this.at) > DRIFT) video.currentTime = this.at;
    if ([...this.videos].every((video) => video.ended)) this.stop();
  }
}
