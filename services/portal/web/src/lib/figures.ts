// Figures that pages derive from the API's counts.

/** 90 % interval of a share by Wilson's score (Wilson 1927): clicks out of impressions. */
export function wilson(clicks: number, impressions: number): [number, number] {
  if (impressions <= 0) return [0, 1];
  const z = 1.6449; // The 95th percentile of the normal distribution: 5 % on each side.
  const share = clicks / impressions;
  const spread = (z * z) / impressions;
  const middle = share + spread / 2;
  const half = z * Math.sqrt((share * (1 - share) + spread / 4) / impressions);
  const low = (middle - half) / (1 + spread);
  const high = (middle + half) / (1 + spread);
  return [Math.max(0, low), Math.min(1, high)];
}

/** Values of a scale that ends at a value of `niceEnd`, from 0, so far apart that they are easy to read. */
export function ticks(end: number): number[] {
  const mantissa = Number((end / 10 ** Math.floor(Math.log10(end) + 1e-9)).toPrecision(2));
  const parts = [1.5, 3, 6].includes(mantissa) ? 3 : [1.2, 2, 4, 8].includes(mantissa) ? 4 : 5;
  return Array.from({ length: parts + 1 }, (_, idx) => Number(((end * idx) / parts).toPrecision(6)));
}

/** The end of a scale that holds a value and is easy to read. */
export function niceEnd(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}
