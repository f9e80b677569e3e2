import type { Store } from '../state/store.ts'
import { placeOf } from './group-tools.ts'
import type { RecipientPins } from './recipient-pins.ts'
import type { RecipientNotice, RfxSnapshot } from './rfx.ts'

/** Whose keys were new or changed in a project, until a person has seen or accepted them. */
export function createRecipientNotices(recipientPins: RecipientPins, id: string, store: Store<RfxSnapshot>) {
  const set = (change: Partial<RfxSnapshot>) => store.set({ ...store.getSnapshot(), ...change })

  return {
    async accept(recipients: readonly RecipientNotice[]): Promise<void> {
      await recipientPins.remember(recipients)
      const isAccepted = isAmong(recipients)
      const newRecipients = await recipientPins.changeUnseen(id, (all) => all.filter((one) => !isAccepted(one)))
      const { changedRecipients } = store.getSnapshot()
      set({ newRecipients, changedRecipients: changedRecipients.filter((one) => !isAccepted(one)) })
    },
    async acknowledge(): Promise<void> {
      const isShown = isAmong(store.getSnapshot().newRecipients)
      set({ newRecipients: await recipientPins.changeUnseen(id, (all) => all.filter((one) => !isShown(one))) })
    },
    async add(kind: 'new' | 'changed', notices: readonly RecipientNotice[], isOver: () => boolean): Promise<void> {
      const isAgain = isAmong(notices)
      const join = (all: readonly RecipientNotice[]) => [...all.filter((one) => !isAgain(one)), ...notices]
      if (kind === 'new') {
        const newRecipients = await recipientPins.changeUnseen(id, join)
        if (!isOver()) set({ newRecipients })
      } else if (!isOver()) set({ changedRecipients: join(store.getSnapshot().changedRecipients) })
    },
  }
}

function isAmong(notices: readonly RecipientNotice[]): (notice: RecipientNotice) => boolean {
  const places = new Set(notices.map(({ owner, id }) => placeOf({ owner, ownerId: id })))
  return ({ owner, id }) => places.has(placeOf({ owner, ownerId: id }))
}
