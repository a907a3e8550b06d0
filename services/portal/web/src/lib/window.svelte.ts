// The part of a long list that can be seen. Only that part is on the page; what lies before and after it is room.

/** How far beyond the edges rows are kept, in pixels, so that scrolling does not outrun them. */
const BEYOND = 400;
/** They are made so long after the first paint, when whoever opened the list is looking at it. */
const REST_MS = 120;

export class ListWindow {
  /** How far the list is scrolled out above, and how much of it can be seen, in pixels; measured before the first paint. */
  private above = $state(0);
  private room = $state(0);
  /** Rows beyond the edges come after those that somebody waits for. */
  private beyond = $state(0);
  /** Where each row begins, and as the last entry where the list ends. */
  private readonly offsets = $derived.by(() => {
    const n = this.count();
    const found = new Float64Array(n + 1);
    for (let idx = 0; idx < n; idx += 1) found[idx + 1] = (found[idx] ?? 0) + this.heightOf(idx);
    return found;
  });
  readonly first = $derived(this.rowAt(this.above - this.beyond));
  /** One beyond the last row that is shown. */
  readonly last = $derived(Math.min(this.offsets.length - 1, this.rowAt(this.above + this.room + this.beyond) + 1));
  readonly before = $derived(this.offsets[this.first] ?? 0);
  readonly after = $derived((this.offsets.at(-1) ?? 0) - (this.offsets[this.last] ?? 0));

  constructor(
    private readonly count: () => number,
    private readonly heightOf: (idx: number) => number,
  ) {}

  /** Attach to the element that holds the rows. */
  readonly attach = (element: HTMLElement): (() => void) => {
    let frame = 0;
    const look = (): void => {
      frame = 0;
      const { top } = element.getBoundingClientRect();
      this.above = Math.max(0, -top);
      this.room = Math.max(0, innerHeight - Math.max(0, top));
    };
    const soon = (): void => {
      frame ||= requestAnimationFrame(look);
    };
    // Whatever scrolls around the list: at each width of the window it is another element.
    document.addEventListener('scroll', soon, { capture: true, passive: true });
    addEventListener('resize', soon);
    look();
    let painted: ReturnType<typeof setTimeout> | undefined;
    const first = requestAnimationFrame(() => (painted = setTimeout(() => (this.beyond = BEYOND), REST_MS)));
    return () => {
      cancelAnimationFrame(frame);
      cancelAnimationFrame(first);
      clearTimeout(painted);
      document.removeEventListener('scroll', soon, { capture: true });
      removeEventListener('resize', soon);
      // Where it stood is no place to begin when it comes back.
      this.above = 0;
      this.beyond = 0;
    };
  };

  private rowAt(pixels: number): number {
    const { offsets } = this;
    let [low, high] = [0, Math.max(0, offsets.length - 2)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((offsets[middle] ?? 0) <= pixels) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
