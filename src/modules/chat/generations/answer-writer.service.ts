import { contentOf, markTo, readTape, type StretchKind, withoutMarks } from '../../../lib/answer-tape.ts'
import { cleanUsage, type TokenUsage } from '../../../lib/token-usage.ts'
import type { Platform } from '../../../platform/context.ts'
import { renewHold } from '../../usage/charges/hold.service.ts'
import type { Citation, Segment } from '../messages/message.entity.ts'
import { checkpoint, type Draft, type Generation } from './generation.service.ts'
import { estimatedUsage, type Meter, type RunningStep } from './meter.service.ts'

/** Sends at once what is this long; the stream's entries stay small either way. */
const COALESCE_BYTES = 512

/** Reports this often within a lease. */
const REPORTS_PER_LEASE = 3

/** Puts one answer where its readers find it. */
export interface AnswerWriter {
  /** UTF-16 units of its text and of what was thought, together. */
  readonly length: number
  /** How often it has turned from text to thought, or back. */
  readonly stretches: number
  /** Aborts when the answer is no longer this writer's. */
  readonly lost: AbortSignal
  write(text: string): void
  think(text: string): void
  cite(citation: Citation): void
  readonly meter: Meter
  /** A step begins that is asked so much, by this model of this provider: what it thinks is not what was thought before. */
  begin(by: Omit<Segment, 'at'>, promptTokens: number): void
  /** The step has ended; what nobody counted of one that costs something is counted here, with what it wants done. */
  end(usage: TokenUsage | null, wanted: string): Promise<void>
  /** All of it so far. What is in the middle of a character is no text. */
  draft(): Draft
  /** Writes down what a further step is begun with, before it says anything. @throws when the answer is lost */
  begun(): Promise<void>
  /** Sends what is held back; false when the answer is lost. */
  flush(): Promise<boolean>
  close(): void
}

/**
 * Coalesces tokens into the live stream, checkpoints the answer and renews the lease. Neither a stream nor a database that
 * is away stops it: the lease decides, and the end waits for the database.
 */
export function createAnswerWriter(platform: Platform, generation: Generation, meter: Meter): AnswerWriter {
  const { liveTexts, settings } = platform
  const { messageId, fence } = generation
  const lost = new AbortController()
  const answer = createDraft(meter)
  let sent = 0
  let flushing: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  const send = async () => {
    clearTimeout(timer)
    timer = undefined
    const tape = answer.tape()
    const end = wholeLength(tape)
    if (end <= sent || lost.signal.aborted) return
    const at = sent
    sent = end
    if (!(await liveTexts.append(messageId, { fence, at, text: tape.slice(at, end) }))) lost.abort()
  }
  const flush = async () => {
    flushing = flushing.then(send)
    await flushing
    return !lost.signal.aborted
  }
  const sayMore = (kind: StretchKind, text: string) => {
    answer.add(kind, text)
    if (answer.tape().length - sent >= COALESCE_BYTES) void flush()
    else timer ??= setTimeout(() => void flush(), settings.generations.coalesceMillis)
  }
  const stopReporting = report(platform, generation, { draft: () => answer.upTo(sent), length: () => sent, lost })
  return {
    get length() {
      return answer.tape().length
    },
    get stretches() {
      return answer.stretches()
    },
    lost: lost.signal,
    meter,
    write: (text) => sayMore('TEXT', text),
    think: (text) => sayMore('REASONING', text),
    cite: answer.cite,
    begin: answer.begin,
    end: answer.end,
    begun: async () => {
      if (meter.reading === null) return
      const isOurs = await checkpoint(platform, generation, answer.upTo(answer.tape().length)).catch(
        (error: unknown) => {
          platform.log.warn({ err: error }, 'an answer could not be checkpointed')
          return true
        },
      )
      if (!isOurs) lost.abort()
      lost.signal.throwIfAborted()
    },
    draft: () => answer.upTo(answer.tape().length),
    flush,
    close: () => {
      stopReporting()
      clearTimeout(timer)
    },
  }
}

/** What has been written of an answer, and what it holds beside. */
function createDraft(meter: Meter) {
  const citations: Citation[] = []
  const segments: Segment[] = []
  let step: RunningStep | null = null
  let tape = ''
  let units = 0
  let kind: StretchKind = 'TEXT'
  let isNewStep = false
  let stretches = 0
  return {
    tape: () => tape,
    stretches: () => stretches,
    add: (next: StretchKind, text: string) => {
      // A mark that nothing follows would be lost in the database.
      if (text === '') return
      if (next !== kind || isNewStep) stretches++
      tape += markTo(next, kind, isNewStep) + withoutMarks(text)
      kind = next
      isNewStep = false
      if (next === 'TEXT') units += text.length
    },
    cite: (citation: Citation) => void citations.push(citation),
    begin: (by: Omit<Segment, 'at'>, promptTokens: number) => {
      isNewStep = true
      step = { modelId: by.modelId, promptTokens, at: tape.length }
      meter.begin(step)
      const last = segments.at(-1)
      // Of an attempt that came to nothing the next one takes the place.
      if (last?.at === units) segments.pop()
      const before = segments.at(-1)
      if (before?.providerId !== by.providerId || before.modelId !== by.modelId) segments.push({ ...by, at: units })
    },
    end: async (said: TokenUsage | null, wanted: string) => {
      const own = step === null ? '' : contentOf(tape.slice(step.at)) + wanted
      const usage = said === null ? null : saidOf(cleanUsage(said), own !== '')
      const isWhole = usage !== null && usage.inputTokens !== null && usage.outputTokens !== null
      if (isWhole || step === null || meter.reading === null) return meter.end(usage)
      const counted = await estimatedUsage(step, own)
      meter.end({
        ...counted,
        inputTokens: usage?.inputTokens ?? counted.inputTokens,
        cachedInputTokens: usage?.cachedInputTokens ?? counted.cachedInputTokens,
        outputTokens: usage?.outputTokens ?? counted.outputTokens,
        reasoningTokens: usage?.reasoningTokens ?? counted.reasoningTokens,
      })
    },
    upTo: (end: number): Draft => {
      const { text, thoughts } = readTape(tape.slice(0, end))
      return {
        content: text.toWellFormed(),
        thoughts: thoughts.map((thought) => ({ ...thought, text: thought.text.toWellFormed() })),
        citations: [...citations],
        segments: [...segments],
        usage: meter.usage,
        reading: meter.reading,
      }
    },
  }
}

/** No prompt is of nothing, and no answer: some servers say so all the same. */
function saidOf(usage: TokenUsage, isSaid: boolean): TokenUsage {
  const { inputTokens, outputTokens } = usage
  return {
    ...usage,
    inputTokens: inputTokens === 0 ? null : inputTokens,
    outputTokens: outputTokens === 0 && isSaid ? null : outputTokens,
  }
}

/** What is reported of an answer, and who is to know when that is refused. */
interface Reported {
  readonly draft: () => Draft
  readonly length: () => number
  readonly lost: AbortController
}

/** Checkpoints an answer that grows and renews its lease, until the returned function is called. */
function report(platform: Platform, generation: Generation, { draft, length, lost }: Reported): () => void {
  const { clock, settings } = platform
  const { checkpointMillis, leaseMillis } = settings.generations
  const holdMillis = settings.credits.holdSeconds * 1_000
  let saved = 0
  let reportedAt = performance.now()
  let renewedAt = clock.now()
  let isReporting = false
  const tell = async () => {
    const end = length()
    const isDue = performance.now() - reportedAt >= leaseMillis / REPORTS_PER_LEASE
    if (lost.signal.aborted || (end <= saved && !isDue)) return
    try {
      if (await checkpoint(platform, generation, draft())) saved = end
      else lost.abort()
      reportedAt = performance.now()
      if (clock.now().getTime() - renewedAt.getTime() < holdMillis / REPORTS_PER_LEASE) return
      await renewHold(platform, generation.messageId)
      renewedAt = clock.now()
    } catch (error) {
      platform.log.warn({ err: error }, 'an answer could not be checkpointed')
    }
  }
  const beat = setInterval(
    () => {
      if (isReporting) return
      isReporting = true
      void tell().finally(() => {
        isReporting = false
      })
    },
    Math.min(checkpointMillis, leaseMillis / REPORTS_PER_LEASE),
  )
  return () => clearInterval(beat)
}

/** Without the first half of a character whose second half is still to come. */
function wholeLength(text: string): number {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length
}
