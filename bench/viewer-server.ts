import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { accessTokenChecks } from '../src/modules/accounts/tokens/access-token.service.ts'
import type { Cache } from '../src/platform/cache.ts'

// The API as it is, whose caches the bench empties: `without` before each use, `with` never; `counts` answers what they saved.

const app = await createApp(loadConfig(process.env))
const { platform } = app
const { cache, signingKeys } = platform
const uncached: Cache = {
  read: (_namespace, _key, _version, load) => load(),
  put: async () => undefined,
  drop: async () => undefined,
  counts: () => cache.counts(),
  close: () => cache.close(),
}

process.on('message', (message) => {
  if (message === 'counts')
    return void process.send?.({ tokens: accessTokenChecks({ ...platform, signingKeys }), cache: cache.counts() })
  const isCached = message === 'with'
  Object.defineProperty(platform, 'cache', { value: isCached ? cache : uncached, configurable: true, enumerable: true })
  // What was verified is remembered by the set of keys: to a set that is new at each look, no token is known.
  Object.defineProperty(platform, 'signingKeys', {
    get: () => (isCached ? signingKeys : { ...signingKeys }),
    configurable: true,
    enumerable: true,
  })
  process.send?.(message)
})
process.on('SIGTERM', () => void app.close().then(() => process.exit(0)))
platform.log.info(await app.listen(), 'listening')
