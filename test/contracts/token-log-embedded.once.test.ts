import { createMemoryNudges } from '../../src/platform/channels/nudges.ts'
import { createMemoryTokenLog } from '../../src/platform/channels/token-log.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { tokenLogContract } from './token-log.contract.ts'

tokenLogContract('token streams in this process', {
  openLog: () => createMemoryTokenLog(systemClock),
  openNudges: createMemoryNudges,
})
