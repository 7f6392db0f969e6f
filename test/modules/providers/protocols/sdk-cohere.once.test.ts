import { describeModelProtocol } from '../../../contracts/model-protocol.contract.ts'
import { correctedCohere } from '../../../kit/corrected-cohere.ts'
import { providerAt } from '../../../kit/model-server.ts'

describeModelProtocol({
  name: 'Cohere',
  provider: (url) => providerAt('cohere', `${url}/v2`),
  modelId: 'cohere/command-a-03-2025',
  thinkingModelId: null,
  path: '/v2/chat',
  correct: correctedCohere,
  countsTokens: false,
  dropsTextBesideCalls: true,
  replays: [/"tool_call_id":"call_1"/],
})
