// The built pages with made-up answers of the API, for what the program cannot do yet or not at this size:
// ten thousand variants, every state of a webhook. With SPOTWRIGHT_MOCK=serve it stays up.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { routes, world } from './fixtures.mjs';

const top = new URL('../../../../../', import.meta.url).pathname;
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.png': 'image/png' };

/** The policy that the program sends with the pages: what it forbids must be forbidden here too. */
async function policy() {
  const source = await readFile(join(top, 'services/portal/src/lib.rs'), 'utf8');
  const text = /const POLICY: &str = "([^;]*;[\s\S]*?)";\n/.exec(source)?.[1];
  if (!text) throw new Error('the policy of the pages was not found in lib.rs');
  return text.replace(/\\\n\s*/g, '');
}

function matches(pattern, path) {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const found = {};
  for (const [idx, part] of wanted.entries()) {
    if (part.startsWith(':')) found[part.slice(1)] = decodeURIComponent(given[idx]);
    else if (part !== given[idx]) return undefined;
  }
  return found;
}

export const problem = (status, code, param, detail) => ({ status, body: { type: `/errors/${code}`, title: code, status, code, param, detail, request_id: 'req-mock', retryable: false } });

export async function start(options = {}) {
  const dist = options.dist ?? process.env.PORTAL_DIST ?? join(top, 'services/portal/dist');
  const state = world(options);
  const table = routes(state);
  const rules = await policy();
  const asked = [];
  const streams = new Set();
  const server = createServer((request, response) => void answer(request, response).catch((error) => response.writeHead(500).end(String(error.stack))));

  async function answer(request, response) {
    const url = new URL(request.url, 'http://mock');
    const path = url.pathname;
    if (path === '/healthz') return response.writeHead(200).end('ok');
    if (path.startsWith('/pictures/')) {
      const bytes = await readFile(join(top, 'examples/coffee-en', path.split('/').at(-1)));
      return response.writeHead(200, { 'content-type': 'image/png', 'cache-control': 'max-age=600' }).end(bytes);
    }
    if (path === '/' || path.startsWith('/portal')) return page(path, response);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    asked.push(`${request.method} ${path}`);
    if (path.endsWith('/events') || path.endsWith('/stream')) {
      if (request.headers.accept?.includes('event-stream')) {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
        response.write(': open\n\n');
        streams.add(response);
        response.on('close', () => streams.delete(response));
        return undefined;
      }
    }
    for (const [pattern, handle] of Object.entries(table)) {
      const [method, wanted] = pattern.split(' ');
      const found = method === request.method ? matches(wanted, path) : undefined;
      if (!found) continue;
      let body;
      try {
        body = text === '' ? undefined : JSON.parse(text);
      } catch {
        body = text;
      }
      let result = await handle({ ...found, query: url.searchParams, body, problem, match: request.headers['if-match'], as: /(?:^|; )mock_role=(\w+)/.exec(request.headers.cookie ?? '')?.[1] });
      if (result === undefined) result = problem(404, 'SW1003', null, 'there is no such thing');
      const { status = 200, body: out, tag } = typeof result.status === 'number' ? result : { body: result };
      if (options.slow) await new Promise((later) => setTimeout(later, options.slow));
      response.writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json', ...(tag ? { etag: tag } : {}) });
      return response.end(status === 204 ? undefined : JSON.stringify(out));
    }
    const none = problem(404, 'SW1003', null, `${request.method} ${path} is not mocked`);
    return response.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify(none.body));
  }

  async function page(path, response) {
    const name = path.startsWith('/portal/assets/') || path === '/portal/icon.svg' ? path.slice('/portal/'.length) : 'index.html';
    const bytes = await readFile(join(dist, name)).catch(() => undefined);
    if (!bytes) return response.writeHead(404).end();
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip', 'content-security-policy': rules, 'x-frame-options': 'DENY' });
    return response.end(gzipSync(bytes));
  }

  await new Promise((ready) => server.listen(options.port ?? 0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    asked,
    /** Sends an event to every open stream. */
    tell(type, data, sequence) {
      const text = JSON.stringify({ sequence, time: new Date().toISOString(), data });
      for (const stream of streams) stream.write(`id: ${sequence}\nevent: ${type}\ndata: ${text}\n\n`);
    },
    async stop() {
      for (const stream of streams) stream.end();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

if (process.env.SPOTWRIGHT_MOCK === 'serve') {
  const running = await start({ port: Number(process.env.PORT ?? 0), variants: Number(process.env.VARIANTS ?? 24) });
  console.log(running.url);
}
