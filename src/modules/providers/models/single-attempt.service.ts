import type { LanguageModelV4, LanguageModelV4StreamPart, SharedV4ProviderOptions } from '@ai-sdk/provider'
import type { Clock } from '../../../platform/clock.ts'
import { ModelFailed, type ModelPart, type ModelRequest } from '../../../platform/models.ts'
import { createTimeLimit } from '../../../platform/time-limit.ts'
import { modelFailure } from '../protocols/fault.service.ts'
import { callOptions, type Target } from '../protocols/sdk-prompt.service.ts'
import { createStepReader } from '../protocols/step.service.ts'

/** What is asked, of whom. */
export interface Question {
  readonly model: LanguageModelV4
  readonly target: Target
  readonly request: ModelRequest
  readonly providerOptions: SharedV4ProviderOptions
}

/** How long a provider may be silent before it writes; afterwards whoever reads decides. */
export interface Patience {
  /** Until the first sign of life. */
  readonly firstPartMillis: number
  /** The same where it was asked to think, and from the first sign of life to the first of the answer. */
  readonly thoughtMillis: number
}

/**
 * Asks once, and passes on what comes of it; `begun` is called before the first of the answer. Ends the connection however it
 * is left. @throws {ModelFailed}; the signal's reason when it aborts
 */
export async function* answerOnce(
  { model, target, request, providerOptions }: Question,
  patience: Patience,
  { signal, clock, begun }: { readonly signal: AbortSignal; readonly clock: Clock; readonly begun: () => void },
): AsyncGenerator<ModelPart> {
  const limit = createTimeLimit(signal)
  const reader = createStepReader(target)
  let hasBegun = false
  try {
    const { providerId, modelId } = target
    yield { type: 'attempt', providerId, modelId }
    const thinks = request.reasoning !== 'NONE'
    limit.set(thinks ? patience.thoughtMillis : patience.firstPartMillis)
    const options = { ...callOptions(request, target), providerOptions, abortSignal: limit.signal }
    const { stream } = await limit.within(model.doStream(options))
    for await (const part of partsOf(stream, limit.within)) {
      if (!hasBegun && part.type !== 'stream-start') limit.set(patience.thoughtMillis)
      for (const piece of reader.read(part)) {
        if (!hasBegun) begun()
        hasBegun = true
        limit.set(null)
        yield piece
      }
    }
    if (!reader.isFinished) throw new ModelFailed('MODEL_CUT', `${providerId} ended the stream before the answer`)
  } catch (error) {
    signal.throwIfAborted()
    throw modelFailure(limit.isOver ? tooSlow(target) : error, {
      providerId: target.providerId,
      hasBegun,
      now: clock.now(),
    })
  } finally {
    limit.end()
  }
}

function tooSlow({ providerId }: Target): ModelFailed {
  return new ModelFailed('MODEL_TIMED_OUT', `${providerId} said nothing for too long`)
}

/** What a stream holds, each part waited for within the limit; an SDK that does not heed the signal is left to itself. */
async function* partsOf(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  within: <Value>(value: PromiseLike<Value>) => Promise<Value>,
): AsyncGenerator<LanguageModelV4StreamPart> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await within(reader.read())
      if (done) return
      yield value
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}
