// Chromium, and what every page in it is watched for.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import puppeteer from 'puppeteer-core';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function launch() {
  const profile = await mkdtemp(join(tmpdir(), 'spotwright-chromium-'));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    userDataDir: profile,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
  });
  return {
    browser,
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** A page of its own browser context, whose errors are gathered. `expected` are parts of messages that are no fault. */
export async function open(browser, { width = 1440, height = 900, theme = 'light', locale = 'en-US' } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }, { name: 'prefers-reduced-motion', value: 'reduce' }]);
  await page.evaluateOnNewDocument((chosen) => {
    if (location.protocol !== 'http:') return;
    if (!localStorage.getItem('spotwright.locale')) localStorage.setItem('spotwright.locale', chosen);
    // The program has no person yet when a test begins: keys are what it is entered with.
    if (!localStorage.getItem('spotwright.signin')) localStorage.setItem('spotwright.signin', 'key');
  }, locale);
  const errors = [];
  const expected = [];
  const note = (text) => {
    if (!expected.some((part) => text.includes(part))) errors.push(`${page.url()}: ${text}`);
  };
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) note(`${message.text()} ${message.location().url ?? ''}`);
  });
  page.on('pageerror', (error) => note(`${error.message} ${error.stack ?? ''}`));
  page.on('dialog', (dialog) => {
    note(`a script opened a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    // A page that is left ends its streams and videos.
    if (reason !== 'net::ERR_ABORTED') note(`${request.url()} ${reason}`);
  });
  page.setDefaultTimeout(30_000);
  return { context, page, errors, expected };
}

/** What axe finds on the page as it is. The page's own policy forbids foreign scripts, so it runs in a world apart. */
export async function violations(page) {
  const session = await page.createCDPSession();
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  await session.send('Runtime.evaluate', { expression: axe, contextId: executionContextId });
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations.map((one) => one.id + ': ' + one.nodes.slice(0, 4).map((node) => node.target.join(' ') + ' ' + (node.failureSummary ?? '').split('\\n')[1]).join(' | '))))`,
    contextId: executionContextId,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  if (exceptionDetails) throw new Error(exceptionDetails.text);
  return JSON.parse(result.value);
}
