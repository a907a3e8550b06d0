// TypeScript of the pages as a module that the test runner can load.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';

export async function load(file) {
  const folder = await mkdtemp(join(tmpdir(), 'spotwright-unit-'));
  const outfile = join(folder, 'module.mjs');
  try {
    await build({ entryPoints: [new URL(`../../${file}`, import.meta.url).pathname], outfile, bundle: true, format: 'esm', logLevel: 'error' });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}
