import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../../../platform/context.ts'
import { type Model, type ModelMessage, type ModelPart, modelRequest } from '../../../platform/models.ts'
import { readBranch } from '../messages/branch.reads.ts'
import type { Citation } from '../messages/message.entity.ts'
import { type AnswerWriter, createAnswerWriter } from './answer-writer.service.ts'
import { finishGeneration, type Generation, type GenerationEnd, generationName } from './generation.service.ts'

/** What there is to answer. */
export interface Assignment extends Generation {
  readonly questionId: string
  readonly model: Model
}

const HISTORY_MESSAGES = 50
const HISTORY_LENGTH = 100_000
const END_ATTEMPTS = 60
const END_PAUSE_MILLIS = 1_000

/** The longest silence, or the whole time, is over. */
class ModelTooSlow extends Error {}
/** The answer is longer than one may be. */
class AnswerTooLong extends Error {}

/**
 * Writes one answer from its first token to its end, on behalf of the context's viewer. The client's going away is nothing
 * to it; `stopping` is. Whatever happens it ends the answer once, unless somebody else has.
 */
export async function writeAnswer(ctx: Context, assignment: Assignment, stopping: AbortSignal): Promise<void> {
  const { platform } = ctx
  const writer = createAnswerWriter(platform, assignment)
  let end: Omit<GenerationEnd, 'content'>
  try {
    const messages = await readHistory(ctx, assignment)
    await runModel(ctx, { ...assignment, messages, writer }, AbortSignal.any([writer.lost, stopping]))
    end = { status: 'COMPLETED' }
  } catch (error) {
    end = stopping.aborted ? { status: 'INTERRUPTED' } : { status: 'FAILED', failureCode: failureCode(error) }
    const message = generationName(assignment.messageId)
    if (end.status === 'FAILED' && !writer.lost.aborted) platform.log.warn({ err: error, message }, 'an answer failed')
  }
  const isOurs = await writer.flush()
  // What was in the middle of a character when the model ended is no text.
  const content = writer.text.toWellFormed()
  try {
    // Its lease is renewed until then: an answer that is all there must not be taken for an orphan's.
    if (isOurs) await endPatiently(ctx, assignment, { ...end, citations: writer.citations, content }, stopping)
  } finally {
    writer.close()
  }
}

interface Run {
  readonly model: Model
  readonly messages: readonly ModelMessage[]
  readonly writer: AnswerWriter
}

async function runModel(ctx: Context, { model, messages, writer }: Run, signal: AbortSignal): Promise<void> {
  const { idleMillis, maxMillis, maxLength } = ctx.platform.settings.generations
  const silence = new AbortController()
  const over = AbortSignal.any([signal, silence.signal, AbortSignal.timeout(maxMillis)])
  const parts = model.stream(ctx, modelRequest({ messages }), over)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const timer = setTimeout(() => silence.abort(), idleMillis)
      const result = await endedBy(over, () => parts.next()).finally(() => clearTimeout(timer))
      if (result.done === true) return
      if (result.value.type === 'text') writer.write(storable(result.value.text))
      if (result.value.type === 'citation') writer.cite(citationOf(result.value))
      if (writer.text.length > maxLength) throw new AnswerTooLong()
    }
  } catch (error) {
    throw over.aborted && !signal.aborted ? new ModelTooSlow() : error
  } finally {
    // A model that does not heed its signal is left to itself.
    void parts.return?.()?.catch?.(() => undefined)
  }
}

/** What is started, or a rejection as soon as the signal aborts; then nobody hears how that ended. */
async function endedBy<Value>(signal: AbortSignal, start: () => Promise<Value>): Promise<Value> {
  signal.throwIfAborted()
  const promise = start()
  promise.catch(() => undefined)
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function citationOf({ source, quote }: Extract<ModelPart, { type: 'citation' }>): Citation {
  return { pageId: source.pageId ?? '', blockId: source.blockId ?? '', quote: storable(quote.toWellFormed()) }
}

/** Without the one character that no database column can hold. */
function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd')
}

function failureCode(error: unknown): string {
  if (error instanceof ModelTooSlow) return 'MODEL_TIMED_OUT'
  return error instanceof AnswerTooLong ? 'ANSWER_TOO_LONG' : 'MODEL_FAILED'
}

/** What was said up to the question, oldest first: the last of it, as much as a model is sent. */
async function readHistory(ctx: Context, { questionId }: Assignment): Promise<ModelMessage[]> {
  let room = HISTORY_LENGTH
  const kept = (await readBranch(ctx, questionId, HISTORY_MESSAGES)).filter(({ content }, index) => {
    room -= content.length
    return index === 0 || room >= 0
  })
  return kept.toReversed().map(({ role, content }) => ({ role: role === 'USER' ? 'user' : 'assistant', content }))
}

/** A database that is away for a while delays the end; if it stays away, the reaper of another day ends the answer. */
async function endPatiently(
  { platform }: Context,
  generation: Generation,
  end: GenerationEnd,
  stopping: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await finishGeneration(platform, generation, end)
      return
    } catch (error) {
      if (attempt >= END_ATTEMPTS || stopping.aborted) throw error
      platform.log.warn({ err: error, message: generationName(generation.messageId) }, 'an end waits for the database')
      await pause(END_PAUSE_MILLIS)
    }
  }
}
