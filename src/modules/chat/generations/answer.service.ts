import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from '../../../platform/context.ts'
import {
  type Model,
  ModelFailed,
  type ModelMessage,
  type ModelPart,
  type ModelRequest,
  modelRequest,
  type StepEnd,
  type ToolCall,
} from '../../../platform/models.ts'
import { countRequestTokens } from '../../providers/models/token-count.service.ts'
import type { Citation } from '../messages/message.entity.ts'
import type { Tool } from '../tools/tool.service.ts'
import { boundedCall, mayGoOn, runTool, type ToolRun } from '../tools/tool-run.service.ts'
import { toolsNamed } from '../tools/workspace-tools.service.ts'
import { type AnswerWriter, createAnswerWriter } from './answer-writer.service.ts'
import type { Budget } from './budget.service.ts'
import { finishGeneration, type Generation, type GenerationEnd, generationName } from './generation.service.ts'
import { createMeter } from './meter.service.ts'
import { mustStillFit } from './prompt.service.ts'

/** How an answer is to be written. */
export interface AnswerSettings extends Pick<ModelRequest, 'temperature' | 'maxOutputTokens' | 'reasoning'> {
  /** The tools it may use; null for all. */
  readonly toolNames: readonly string[] | null
  /** Millionths of a credit that it may cost at most; null: as much as it can. */
  readonly maxCost: bigint | null
  /** How often the model is asked at most: once, and once more for each time it wants tools used. */
  readonly maxIterations: number
}

/** What there is to answer. */
export interface Assignment extends Generation {
  readonly sessionId: string
  readonly model: Model
  readonly settings: AnswerSettings
  /** Null where it costs nothing. */
  readonly budget: Budget | null
  /** What its first step is asked. */
  readonly messages: readonly ModelMessage[]
}

const END_ATTEMPTS = 60
const END_PAUSE_MILLIS = 1_000
/** What a model may want done at once. */
const MAX_CALLS_A_STEP = 16
/** Turns between text and thought: each is a part, and an event for all who watch. */
const MAX_STRETCHES = 2_000

/** The longest silence, or the whole time, is over. */
class ModelTooSlow extends Error {}
/** The answer is longer than one may be. */
class AnswerTooLong extends Error {}
/** Somebody was let in who may not read what the model has been told. */
class AudienceGrown extends Error {}
/** What is left of the credits that were held is not worth another step. */
class BudgetSpent extends Error {}
/** The model still wants tools used when it should have come to an end. */
class TooManyIterations extends Error {}

/**
 * Writes one answer from its first token to its end, on behalf of the context's viewer. The client's going away is nothing
 * to it; `stopping` is. Whatever happens it ends the answer once, unless somebody else has.
 */
export async function writeAnswer(ctx: Context, assignment: Assignment, stopping: AbortSignal): Promise<void> {
  const { platform } = ctx
  const writer = createAnswerWriter(platform, assignment, createMeter(assignment.budget))
  const over = AbortSignal.any([writer.lost, stopping])
  let end: Omit<GenerationEnd, 'draft'>
  try {
    end = await runSteps(ctx, assignment, { writer, signal: over })
  } catch (error) {
    end = endAfter(error, stopping)
    const message = generationName(assignment.messageId)
    if (end.failureCode !== undefined && !writer.lost.aborted)
      platform.log.warn({ err: error, code: end.failureCode, message }, 'an answer failed')
  }
  const isOurs = await writer.flush()
  try {
    // Its lease is renewed until then: an answer that is all there must not be taken for an orphan's.
    if (isOurs) await endPatiently(ctx, assignment, { ...end, draft: writer.draft() }, stopping)
  } finally {
    writer.close()
  }
}

interface Writing {
  readonly writer: AnswerWriter
  readonly signal: AbortSignal
}

/** The tools that the model of an answer is given; none where it can use none. */
export function toolsFor({ model, settings }: Pick<Assignment, 'model' | 'settings'>): readonly Tool[] {
  return model.capabilities.includes('TOOLS') ? toolsNamed(settings.toolNames) : []
}

/** Asks the model, does what it wants done, and asks again, until it wants nothing more. */
async function runSteps(
  ctx: Context,
  assignment: Assignment,
  { writer, signal }: Writing,
): Promise<Omit<GenerationEnd, 'draft'>> {
  const { model, settings, sessionId, budget } = assignment
  const tools = toolsFor(assignment)
  const described = tools.map(({ description }) => description)
  const plan = { model, tools: described, maxOutputTokens: settings.maxOutputTokens }
  const messages = [...assignment.messages]
  const seen = { pageIds: new Set<string>(), projectIds: new Set<string>() }
  const run: ToolRun = { generation: assignment, sessionId, writer, tools, signal, seen, isUnattended: false }
  let promptTokens = budget?.promptTokens ?? 0
  for (let iteration = 1; iteration <= settings.maxIterations; iteration++) {
    if (iteration > 1) await mustStillFit(plan, messages)
    if (!(await mayGoOn(ctx, run))) throw new AudienceGrown()
    const maxOutputTokens = budget === null ? settings.maxOutputTokens : writer.meter.affordable(budget, promptTokens)
    if (budget !== null && maxOutputTokens === null) throw new BudgetSpent()
    const request = { ...settings, maxOutputTokens, messages, tools: described }
    const { text, calls, end } = await runStep(
      ctx,
      model,
      { request, promptTokens, isFurther: iteration > 1 },
      { writer, signal },
    )
    if (calls.length === 0) return endOf(end)
    const bounded = calls.map(boundedCall)
    // What its provider would see again of a call out of bounds is out of bounds as well.
    const isAsWritten = calls.every(
      ({ name, input }, index) => name === bounded[index]?.name && input === bounded[index]?.input,
    )
    messages.push({
      role: 'assistant',
      content: text,
      calls: bounded,
      replay: isAsWritten ? (end?.replay ?? null) : null,
    })
    const results = []
    for (const call of bounded) results.push(await runTool(ctx, run, call))
    messages.push({ role: 'tool', results })
    if (budget !== null) promptTokens += await countRequestTokens(model, modelRequest({ messages: messages.slice(-2) }))
  }
  throw new TooManyIterations()
}

function endOf(end: StepEnd | null): Omit<GenerationEnd, 'draft'> {
  if (end?.reason === 'filtered') return { status: 'FAILED', failureCode: 'MODEL_DECLINED' }
  if (end?.reason === 'length') return { status: 'COMPLETED', failureCode: 'MAX_TOKENS_REACHED' }
  return { status: 'COMPLETED' }
}

interface Step {
  readonly text: string
  readonly calls: readonly ToolCall[]
  readonly end: StepEnd | null
}

interface Asked {
  readonly request: ModelRequest
  readonly promptTokens: number
  readonly isFurther: boolean
}

async function runStep(
  ctx: Context,
  model: Model,
  { request, promptTokens, isFurther }: Asked,
  { writer, signal }: Writing,
): Promise<Step> {
  const { idleMillis, maxMillis, maxLength } = ctx.platform.settings.generations
  const silence = new AbortController()
  const over = AbortSignal.any([signal, silence.signal, AbortSignal.timeout(maxMillis)])
  const step = { text: '', calls: [] as ToolCall[], end: null as StepEnd | null }
  const begin = (providerId: string, modelId: string) => writer.begin({ providerId, modelId }, promptTokens)
  begin(model.providerId, model.id)
  if (isFurther) await writer.begun()
  const parts = model.stream(ctx, request, over)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const timer = setTimeout(() => silence.abort(tooLong()), idleMillis)
      const result = await endedBy(over, () => parts.next()).finally(() => clearTimeout(timer))
      if (result.done === true) break
      if (result.value.type === 'attempt') begin(result.value.providerId, result.value.modelId)
      else take(result.value, step, writer)
      if (writer.length > maxLength || writer.stretches > MAX_STRETCHES) throw new AnswerTooLong()
    }
  } catch (error) {
    throw over.aborted && !signal.aborted ? new ModelTooSlow() : error
  } finally {
    // A model that does not heed its signal is left to itself.
    void parts.return?.()?.catch?.(() => undefined)
  }
  await writer.end(step.end?.usage ?? null, step.calls.length === 0 ? '' : JSON.stringify(step.calls.map(boundedCall)))
  return step
}

/** As `AbortSignal.timeout` has it: the model is to blame, not who reads. */
function tooLong(): DOMException {
  return new DOMException('It says nothing for too long', 'TimeoutError')
}

function take(part: ModelPart, step: { text: string; calls: ToolCall[]; end: StepEnd | null }, writer: AnswerWriter) {
  switch (part.type) {
    case 'attempt':
    case 'alive':
      return
    case 'text':
      step.text += part.text
      return writer.write(storable(part.text))
    case 'reasoning':
      return writer.think(storable(part.text))
    case 'call':
      if (step.calls.length === MAX_CALLS_A_STEP)
        throw new ModelFailed('MODEL_SAID_NONSENSE', 'It wants too much at once')
      return void step.calls.push(part.call)
    case 'citation':
      return writer.cite(citationOf(part))
    case 'end':
      step.end = part
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

/** What an answer comes to that could not be written to its end. */
function endAfter(error: unknown, stopping: AbortSignal): Omit<GenerationEnd, 'draft'> {
  if (stopping.aborted) return { status: 'INTERRUPTED' }
  if (error instanceof ModelTooSlow) return { status: 'FAILED', failureCode: 'MODEL_TIMED_OUT' }
  if (error instanceof AnswerTooLong) return { status: 'FAILED', failureCode: 'ANSWER_TOO_LONG' }
  if (error instanceof AudienceGrown) return { status: 'FAILED', failureCode: 'AUDIENCE_GROWN' }
  if (error instanceof BudgetSpent) return { status: 'FAILED', failureCode: 'BUDGET_SPENT' }
  if (error instanceof TooManyIterations) return { status: 'FAILED', failureCode: 'TOO_MANY_ITERATIONS' }
  const failureCode = error instanceof ModelFailed ? error.code : 'MODEL_FAILED'
  return { status: failureCode === 'MODEL_CUT' ? 'INTERRUPTED' : 'FAILED', failureCode }
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
