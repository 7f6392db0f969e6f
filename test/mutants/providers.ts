import { change } from './layers.ts'
import type { Killers, Mutant } from './mutation.ts'

// What stands between providers of models and whoever asks them: keys, limits, and what is said of failures.

const providers = 'src/modules/providers'
const attempts = `${providers}/models/attempts.service.ts`
const registry = `${providers}/models/registry.service.ts`
const fault = `${providers}/protocols/fault.service.ts`
const step = `${providers}/protocols/step.service.ts`
const sdk = `${providers}/protocols/sdk.service.ts`
const embedding = `${providers}/embeddings/embedding.service.ts`
const vectors = `${providers}/embeddings/vectors.service.ts`

const tests = (file: string, named?: string): { killers: Killers } => ({
  killers: { files: [`test/modules/providers/${file}.test.ts`], ...(named !== undefined && { named }) },
})

/** Of models, their providers and their vectors. */
export const providerMutants: readonly Mutant[] = [
  {
    name: 'Embedding: made for whoever has no grant',
    edits: [
      change(embedding, "requireAction(ctx, 'embedding.create')", 'requireViewer(ctx)'),
      change(embedding, 'import { requireAction }', 'import { requireViewer }'),
    ],
    ...tests('embeddings/embedding', 'is refused to a key without the grant'),
  },
  {
    name: 'Embedding: as many as anybody likes',
    edits: [change(embedding, '  await limits.consume(rule, viewer.userId)\n', '')],
    ...tests('embeddings/embedding', 'one person has so much embedded'),
  },
  {
    name: 'vectors of any length are believed',
    edits: [
      change(
        vectors,
        'if (embeddings.length !== count || !embeddings.every(isVector))',
        'if (embeddings.length !== count)',
      ),
    ],
    ...tests('embeddings/vectors.once', 'are nonsense'),
  },
  {
    name: 'tokens are counted as often as anybody likes',
    edits: [change(`${providers}/models/token-count.service.ts`, '  await limits.consume(rule, viewer.userId)\n', '')],
    ...tests('models/token-count', 'one person asks so often'),
  },
  {
    name: 'what had begun is asked again',
    edits: [change(attempts, 'hasBegun ? null : waitAfter', 'waitAfter')],
    ...tests('models/attempts.once', 'once anything of an answer has come'),
  },
  {
    name: 'what is refused is asked again',
    edits: [change(attempts, '!isPassing(failure) || failures > figures.retries', 'failures > figures.retries')],
    ...tests('models/attempts.once', 'is not tried again'),
  },
  {
    name: 'a provider is asked for ever',
    edits: [
      change(attempts, '!isPassing(failure) || failures > figures.retries', '!isPassing(failure) || failures > 99'),
    ],
    ...tests('models/attempts.once', 'is tried four times'),
  },
  {
    name: 'any pause that a provider asks for is waited for',
    edits: [change(attempts, 'retryAfterSeconds > figures.maxRetryAfterSeconds ? null : ', '')],
    ...tests('models/attempts.once', 'asks for a pause'),
  },
  {
    name: 'another goes on in the middle of an answer',
    edits: [change(registry, 'if (hasBegun || queue.length === 0) throw error', 'if (queue.length === 0) throw error')],
    ...tests('models/registry.once', 'nobody goes on for one who had begun'),
  },
  {
    name: 'an open circuit stops nobody',
    edits: [
      change(
        'src/modules/providers/models/circuits.service.ts',
        'const call = circuit.execute(() => {',
        'const call = Promise.resolve().then(() => {',
      ),
    ],
    ...tests('models/registry.once', 'a circuit'),
  },
  {
    name: 'whoever leaves proves that a provider is well',
    edits: [
      change(
        'src/modules/providers/models/circuits.service.ts',
        'if (!signal.aborted) first.reject(error)',
        'first.reject(error)',
      ),
    ],
    ...tests('models/circuits.once', 'whoever aborts proves nothing'),
  },
  {
    name: 'a limit that was reached opens the circuit',
    edits: [change(fault, "(isPassing(error) && error.code !== 'MODEL_RATE_LIMITED')", 'isPassing(error)')],
    ...tests('protocols/fault.once', '429'),
  },
  {
    name: 'what a provider says of a failure is told on',
    edits: [
      change(
        fault,
        '`${place.providerId} answered ${status}`',
        "`${place.providerId} answered ${status} ${error instanceof Error ? error.message : ''}`",
      ),
    ],
    ...tests('protocols/fault.once', 'of what a provider said nothing goes along'),
  },
  {
    name: 'a stream that just ends is an answer',
    edits: [
      change(
        step,
        "if (isCut || unified === 'interrupted' || (unified === 'other' && raw === undefined))",
        "if (isCut && unified === 'interrupted')",
      ),
    ],
    ...tests('protocols/step.once', 'is a cut'),
  },
  {
    name: 'OpenAI keeps what is said',
    edits: [change(sdk, 'options: () => ({ openai: { store: false } })', 'options: none')],
    ...tests('protocols/sdk-presets.once', 'nothing is kept there'),
  },
  {
    name: 'a redirect is followed with the key',
    edits: [change('src/platform/http-client.ts', "redirect: 'manual', ", '')],
    killers: { files: ['test/platform/http-client.once.test.ts'], named: 'a redirect is answered' },
  },
  {
    name: 'Ollama’s SDK writes what it was told to the console',
    edits: [
      change(sdk, 'fetch: checkingLines(fetch)', 'fetch'),
      change(sdk, "import { checkingLines } from './ollama-lines.service.ts'\n", ''),
    ],
    ...tests('protocols/ollama-lines.once', 'is written nowhere'),
  },
  {
    name: 'a model that nobody configured is taken for one',
    edits: [change('src/config-models.ts', 'return provider.isConfigured ? [] :', 'return provider.id ? [] :')],
    killers: { files: ['test/config-models.once.test.ts'], named: 'of DEFAULT_MODEL' },
  },
]
