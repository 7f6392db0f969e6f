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
        "'Whoever read it waited too long') : null",
        "'Whoever read it waited too long') : error",
      ),
    ],
    ...tests('models/circuits.once', 'whoever aborts proves nothing'),
    // What is waited for does not come.
    proof: "to be 'HALF_OPEN'",
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
    edits: [change(sdk, 'openai: { store: false, ', 'openai: { ')],
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
  {
    name: 'an id leads to another path of the provider',
    edits: [change('src/lib/known-providers.ts', "segment === '' || segment === '.' || segment === '..'", 'false')],
    killers: { files: ['test/lib/known-providers.test.ts'], named: 'is no id of a model' },
  },
  {
    name: 'signs and ends of lines are counted as a whole',
    edits: [change('src/lib/token-count.ts', "'[^\\\\p{L}\\\\p{N}]'].map", "'\\\\s', '[^\\\\s\\\\p{L}\\\\p{N}]'].map")],
    killers: { files: ['test/lib/token-count.test.ts'], named: 'slashes and ends of lines' },
  },
  {
    name: 'every model of OpenAI is counted exactly',
    edits: [change(`${providers}/models/token-count.service.ts`, ' && isCountedExactly(name.name)', '')],
    ...tests('models/token-count', 'by another encoding'),
  },
  {
    name: 'vectors that came say nothing to the circuit',
    edits: [change(vectors, '    begun()\n', '')],
    ...tests('embeddings/vectors.once', 'close the circuit'),
    // What is waited for does not come.
    proof: "to be 'CLOSED'",
  },
  {
    name: 'a provider that hangs is no failure',
    edits: [change(`${providers}/models/circuits.service.ts`, "reason.name === 'TimeoutError'", "reason.name === ''")],
    ...tests('models/circuits.once', 'whoever waited too long'),
  },
  {
    name: 'whatever calls itself an open circuit is one',
    edits: [
      change(
        attempts,
        'if (!(error instanceof CircuitOpen)) return',
        "if (!(error instanceof CircuitOpen) && (error as Error).name !== 'CircuitOpen') return",
      ),
      change(attempts, 'retryAfterSeconds: error.retryAfterSeconds', 'retryAfterSeconds: 1'),
    ],
    ...tests('models/attempts.once', 'a circuit that is open'),
  },
  {
    name: 'a model that writes the input of a call is silent',
    edits: [change(step, "return [{ type: 'alive' }]", 'return []')],
    ...tests('models/single-attempt.once', 'writes the input of a call'),
  },
  {
    name: 'a stand-in is asked for more than its window takes',
    edits: [change(registry, '(await countRequestTokens(model, request)) < model.contextWindow', 'true')],
    ...tests('models/registry.once', 'whose window is too small'),
  },
  {
    name: 'Ollama reads the default window alone',
    edits: [change(sdk, 'options: { temperature, num_ctx, ...limit }', 'options: {}')],
    ...tests('protocols/sdk-presets.once', 'Ollama: temperature'),
  },
  {
    name: 'a model thinks though nobody wants it to',
    edits: [change(registry, 'thinksUnasked: thinksUnasked && sdk.quietens', 'thinksUnasked: false')],
    ...tests('protocols/sdk-presets.once', 'is told not to'),
  },
  {
    name: 'models that nobody knows are told not to think',
    edits: [change(registry, "entry?.capabilities.includes('REASONING') ?? false", 'true')],
    ...tests('protocols/sdk-presets.once', 'is told nothing'),
  },
  {
    name: 'an embedder that others take the place of stays open',
    edits: [change(`${providers}/embeddings/embedder.service.ts`, ', dispose: ({ retire }) => retire()', '')],
    ...tests('embeddings/embedder.once', 'is closed when others'),
  },
  {
    name: 'naming other models ends what somebody waits for',
    edits: [change(`${providers}/embeddings/embedder.service.ts`, 'isRetired && waiting === 0', 'isRetired')],
    ...tests('embeddings/embedder.once', 'is closed when others'),
    // What was under way is refused.
    proof: 'The service is busy',
  },
  {
    name: 'a stream is waited for behind its end',
    edits: [change(`${providers}/protocols/done-line.service.ts`, 'return controller.terminate()', 'line = text')],
    ...tests('protocols/done-line.once', 'ends at its mark'),
    // What is waited for does not come.
    proof: 'Test timed out',
  },
]
