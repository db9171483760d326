import { CONTENDERS } from './contenders.ts'
import { measurePeer } from './measure.ts'
import type { PeerSettings, Sizes } from './peer.ts'

/** What the process of a peer is told on its command line. */
export interface Order {
  contender: string
  settings: PeerSettings
  sizes: Sizes
}

// Measures one peer once, in a process of its own, and prints the figures as the last line of its standard output.
if (import.meta.main) {
  const { contender: name, settings, sizes } = JSON.parse(process.env.ORDER ?? '') as Order
  // Whoever started this is gone.
  process.stdin.on('end', () => process.exit(1))
  process.stdin.resume()
  const contender = CONTENDERS.find((one) => one.name === name)
  if (!contender) throw new Error(`there is no contender ${name}`)
  const peer = await contender.open(settings)
  const figures = await measurePeer(peer, sizes, contender.isNotified)
  // Not until all is closed: what a peer does after that is of no interest.
  await Promise.race([peer.stop(), Bun.sleep(5000)])
  process.stdout.write(`\n${JSON.stringify(figures)}\n`, () => process.exit())
}
