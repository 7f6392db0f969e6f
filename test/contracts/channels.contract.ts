import { afterAll, beforeAll, describe } from 'vitest'
import { channelEndsContract } from './channel-ends.contract.ts'
import { channelLiveContract } from './channel-live.contract.ts'
import { channelLogContract } from './channel-log.contract.ts'
import type { ChannelsRig } from './channels-rig.ts'

/** The suite that every combination of log and nudges passes. */
export function channelsContract(name: string, openRig: () => Promise<ChannelsRig>): void {
  describe(name, { timeout: 60_000 }, () => {
    let rig: ChannelsRig
    beforeAll(async () => {
      rig = await openRig()
    }, 120_000)
    afterAll(() => rig?.close())
    channelLogContract(() => rig)
    channelLiveContract(() => rig)
    channelEndsContract(() => rig)
  })
}
