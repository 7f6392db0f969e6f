import { bystanders } from './strangers-actors.ts'
import { describeStrangers } from './strangers-law.ts'

// The other half of strangers.test.ts, so that they run side by side.

describeStrangers(bystanders)
