import type { Platform } from '../../../platform/context.ts'
import type { Citation } from '../messages/message.entity.ts'
import { checkpoint, type Generation } from './generation.service.ts'

/** Sends at once what is this long; the stream's entries stay small either way. */
const COALESCE_BYTES = 512

/** Reports this often within a lease. */
const REPORTS_PER_LEASE = 3

/** Puts the text of one answer where its readers find it. */
export interface AnswerWriter {
  readonly text: string
  readonly citations: readonly Citation[]
  /** Aborts when the answer is no longer this writer's. */
  readonly lost: AbortSignal
  write(text: string): void
  cite(citation: Citation): void
  /** Sends what is held back; false when the answer is lost. */
  flush(): Promise<boolean>
  close(): void
}

/**
 * Coalesces tokens into the live stream, checkpoints the text and renews the lease. Neither a stream nor a database that is
 * away stops it: the lease decides, and the end waits for the database.
 */
export function createAnswerWriter(platform: Platform, generation: Generation): AnswerWriter {
  const { liveTexts, settings, log } = platform
  const { coalesceMillis, checkpointMillis, leaseMillis } = settings.generations
  const { messageId, fence } = generation
  const lost = new AbortController()
  const citations: Citation[] = []
  let text = ''
  let sent = 0
  let saved = 0
  let reportedAt = performance.now()
  let flushing: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  const send = async () => {
    clearTimeout(timer)
    timer = undefined
    const end = wholeLength(text)
    if (end <= sent || lost.signal.aborted) return
    const at = sent
    sent = end
    if (!(await liveTexts.append(messageId, { fence, at, text: text.slice(at, end) }))) lost.abort()
  }
  const flush = async () => {
    flushing = flushing.then(send)
    await flushing
    return !lost.signal.aborted
  }
  const report = async () => {
    const end = Math.min(sent, wholeLength(text))
    const isDue = performance.now() - reportedAt >= leaseMillis / REPORTS_PER_LEASE
    if (lost.signal.aborted || (end <= saved && !isDue)) return
    try {
      if (await checkpoint(platform, generation, { content: text.slice(0, end), citations })) saved = end
      else lost.abort()
      reportedAt = performance.now()
    } catch (error) {
      log.warn({ err: error }, 'an answer could not be checkpointed')
    }
  }
  let isReporting = false
  const beat = setInterval(
    () => {
      if (isReporting) return
      isReporting = true
      void report().finally(() => {
        isReporting = false
      })
    },
    Math.min(checkpointMillis, leaseMillis / REPORTS_PER_LEASE),
  )
  return {
    get text() {
      return text
    },
    citations,
    lost: lost.signal,
    cite: (citation) => void citations.push(citation),
    write: (more) => {
      text += more
      if (text.length - sent >= COALESCE_BYTES) void flush()
      else timer ??= setTimeout(() => void flush(), coalesceMillis)
    },
    flush,
    close: () => {
      clearInterval(beat)
      clearTimeout(timer)
    },
  }
}

/** Without the first half of a character whose second half is still to come. */
function wholeLength(text: string): number {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length
}
