/** Something to call: an orders service that takes an order once, however often it is asked to. */
const orders = new Map<string, { id: number; item: string }>()
let failures = 2

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env.PORT ?? 9090),
  routes: {
    '/orders': {
      async POST(request) {
        // Busy at first: whoever asks again is served.
        if (failures-- > 0) return new Response('busy', { status: 503 })
        const key = request.headers.get('idempotency-key') ?? crypto.randomUUID()
        const { item } = (await request.json()) as { item: string }
        const order = orders.get(key) ?? { id: orders.size + 1, item }
        orders.set(key, order)
        return Response.json(order, { status: 201 })
      },
    },
  },
})
console.log(`Orders are taken on ${server.url}orders`)
