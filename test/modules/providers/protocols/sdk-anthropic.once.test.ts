import { describeModelProtocol } from '../../../contracts/model-protocol.contract.ts'
import { providerAt } from '../../../kit/model-server.ts'

describeModelProtocol({
  name: 'Anthropic',
  provider: (url) => providerAt('anthropic', `${url}/v1`),
  modelId: 'anthropic/claude-sonnet-4-6',
  thinkingModelId: 'anthropic/claude-sonnet-4-6',
  path: '/v1/messages',
  thoughtsWithCall: true,
  replays: [/Somebody has measured that\./, /"signature":"[^"]+"/, /"tool_use_id"/],
  usage: { input_tokens: 11, output_tokens: 7 },
})
