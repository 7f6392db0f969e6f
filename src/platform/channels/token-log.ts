import type { Clock } from '../clock.ts'

/** A piece of a text that is being written. */
export interface TokenChunk {
  /** Who writes: of two writers the one with the higher number is the rightful one. */
  readonly fence: number
  /** UTF-16 units of the text that come before this. */
  readonly at: number
  readonly text: string
}

/**
 * The texts that are being written now, so that other nodes can show them as they grow. It may lose any of it: the truth is
 * what the writer checkpoints to the database.
 */
export interface TokenLog {
  /** Answers false, and keeps nothing, when a writer with a higher fence is known. A log that is away is no reason to stop. */
  append(id: string, chunk: TokenChunk): Promise<boolean>
  /** From now on no writer with a lower fence is let in. */
  seal(id: string, fence: number): Promise<void>
  /** The text is in the database to its end: only that writers up to this fence are late has to be kept. */
  end(id: string, fence: number): Promise<void>
  /** What is known of the text from a place on, without a hole; empty when nothing is. @throws when the log is away */
  read(id: string, from: number): Promise<string>
  /** Resolves once other nodes can be reached. @throws the reason when the first attempt fails; attempts go on. */
  connected(): Promise<void>
  close(): Promise<void>
}

/** How long a log outlives its last change: an hour, in which a late writer is still known to be late. */
export const TOKEN_LOG_TTL_SECONDS = 3_600

interface Kept {
  fence: number
  /** Where `text` begins: a writer that took over begins where the checkpoint ended. */
  start: number
  text: string
  expiresAt: number
}

/** Keeps the texts in this process: for a server that is alone, and for the writer's own node. */
export function createMemoryTokenLog(clock: Clock): TokenLog {
  const logs = new Map<string, Kept>()
  const keep = (id: string, kept: Omit<Kept, 'expiresAt'>) => {
    const now = clock.now().getTime()
    // Each change moves its log to the end, so the oldest come first.
    logs.delete(id)
    for (const [other, { expiresAt }] of logs) {
      if (expiresAt > now) break
      logs.delete(other)
    }
    logs.set(id, { ...kept, expiresAt: now + TOKEN_LOG_TTL_SECONDS * 1_000 })
  }
  return {
    append: async (id, { fence, at, text }) => {
      const known = logs.get(id) ?? { fence, start: at, text: '' }
      if (known.fence > fence) return false
      const end = known.start + known.text.length
      const follows = at >= known.start && at <= end
      keep(
        id,
        follows ? { ...known, fence, text: known.text.slice(0, at - known.start) + text } : { fence, start: at, text },
      )
      return true
    },
    seal: async (id, fence) => {
      const known = logs.get(id) ?? { fence, start: 0, text: '' }
      keep(id, { ...known, fence: Math.max(fence, known.fence) })
    },
    end: async (id, fence) => keep(id, { fence: fence + 1, start: 0, text: '' }),
    read: async (id, from) => {
      const known = logs.get(id)
      return known === undefined || from < known.start ? '' : known.text.slice(from - known.start)
    },
    connected: async () => undefined,
    close: async () => logs.clear(),
  }
}
