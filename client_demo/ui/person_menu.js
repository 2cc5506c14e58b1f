/** The menu of a person, on their tile and in the list of people. */

import { personActions } from "../person_actions.js";
import { confirmDialog } from "./dialogs.js";

/** Items for menuButton: pinning for everybody, the rest by role. */
export function personItems({ store, call }, id) {
  const state = store.get();
  const pin = {
    label: state.pinned === id ? "Unpin" : "Pin to the stage",
    icon: "pin",
    onselect: () => store.dispatch({ type: "pin", participant_id: id }),
  };
  return [pin, ...personActions(state, id).map((entry) => ("title" in entry ? entry : { ...entry, onselect: () => perform(call, entry) }))];
}

async function perform(call, { run: [method, ...given], confirm }) {
  if (confirm && !(await confirmDialog(confirm.title, confirm.text, confirm.action))) return;
  await call.moderation[method](...given);
}
