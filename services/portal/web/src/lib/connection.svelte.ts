// Whether the service answers. When it does not, it is asked every few seconds until it does.

const AGAIN_MS = 3_000;

class Connection {
  down = $state(false);
  /** When the service was heard last, in milliseconds since 1970. */
  heardAt = $state(Date.now());
  /** Grows each time the service is back, so that pages load anew. */
  returns = $state(0);
  private timer: ReturnType<typeof setTimeout> | undefined;

  heard(): void {
    this.heardAt = Date.now();
    if (!this.down) return;
    this.down = false;
    this.returns += 1;
  }

  lost(): void {
    this.down = true;
    this.timer ??= setTimeout(() => void this.look(), AGAIN_MS);
  }

  private async look(): Promise<void> {
    this.timer = undefined;
    if (!navigator.onLine) return this.lost();
    try {
      await fetch('/healthz', { cache: 'no-store' });
      this.heard();
    } catch {
      this.lost();
    }
  }

  /** Looks at once when the browser says that the network has changed. */
  start(): void {
    addEventListener('offline', () => this.lost());
    addEventListener('online', () => void this.look());
  }
}

export const connection = new Connection();
