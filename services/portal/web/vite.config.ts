import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/portal/',
  plugins: [svelte()],
  build: {
    target: 'es2022',
    outDir: '../dist',
    emptyOutDir: true,
    // Pages may load nothing but files of their own: no small file becomes part of another one.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What several pages share in crumbs is put together: each file costs a request and its headers.
    rollupOptions: { output: { experimentalMinChunkSize: 2_000 } },
  },
  server: {
    // A server started by hand answers while the pages are worked on.
    proxy: { '/v1': 'http://127.0.0.1:8080', '/errors': 'http://127.0.0.1:8080', '/healthz': 'http://127.0.0.1:8080' },
  },
});
