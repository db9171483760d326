import { defineConfig } from 'vite'
import solid from 'vite-plugin-solid'

/** The scheduler that the development server passes calls on to. */
const SCHEDULER = process.env.SCHEDULER_URL ?? `http://localhost:${process.env.SCHEDULER_PORT ?? '8081'}`
const CALLS = ['/api', '/trpc', '/ws', '/metrics', '/healthz', '/readyz']

export default defineConfig({
  plugins: [solid()],
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2023', reportCompressedSize: true },
  server: {
    port: 5173,
    strictPort: true,
    proxy: Object.fromEntries(CALLS.map((path) => [path, { target: SCHEDULER, ws: path === '/ws' }])),
  },
})
