import { type Context, createContext, type Platform } from './context.ts'
import { newUuid } from './uuid.ts'

/** A context in which the server itself acts: for jobs, and for what outlives who asked for it. */
export function systemContext(platform: Platform): Context {
  return createContext(platform, {
    viewer: { kind: 'anonymous', reason: null },
    request: { id: newUuid(platform.clock.now()), address: null, userAgent: null },
    signal: new AbortController().signal,
  })
}
