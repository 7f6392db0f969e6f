import { describeModelProtocol } from '../../../contracts/model-protocol.contract.ts'
import { providerAt } from '../../../kit/model-server.ts'

describeModelProtocol({
  name: 'OpenAI-compatible',
  provider: (url) => providerAt('nouscoder', `${url}/v1`),
  modelId: 'nouscoder/NousCoder-14B',
  thinkingModelId: 'nouscoder/a-thinker',
  path: '/v1/chat/completions',
  replays: [/"tool_call_id":"call_1"/],
  usage: { prompt_tokens: 11, completion_tokens: 7 },
})
