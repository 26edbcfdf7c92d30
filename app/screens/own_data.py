"""Your own data: upload a file, confirm its columns, load it, and score or train on it."""

from __future__ import annotations

import streamlit as st

from app.changes import recorded
from app.identity import User
from app.screens.own_data_columns import show_columns
from app.screens.own_data_results import show_quality, show_results
from app.text import heading, literal, say, title
from app.uploads import steps
from app.uploads.folder import Upload, delete_old, stored, uploads_of
from app.uploads.steps import LOAD, LOOK, SCORE, TRAIN, WAITING, State
from app.writing import now
from runtime.errors import HoldfastError
from runtime.settings import Settings

REFRESH_SECONDS = 2
LINES = 12
NEEDED = (
    "The file needs one line per order or per article of an order, with the customer, the order, "
    "the day and the amount. Names of columns can be English, German, French or Spanish."
)
BUSY = {
    LOOK: "Reading a sample of the file",
    LOAD: "Loading and checking every row",
    TRAIN: "Training a model on your data, then scoring and planning",
    SCORE: "Scoring your data with the present model, then planning",
}
TOOK = {
    LOOK: "This takes some seconds.",
    LOAD: "This takes about a minute, and some minutes for a million rows.",
    TRAIN: "This takes 5 to 20 minutes. You can close the browser and come back to this address.",
    SCORE: "This takes some minutes. You can close the browser and come back to this address.",
}
PLACES = ("1 Upload", "2 Columns", "3 Quality", "4 Score", "5 Results")


def show(settings: Settings, user: User, upload: Upload | None) -> None:
    """Draw the page. settings: of the environment, not of the upload."""
    if not user.is_editor:
        title("Your own data", "Only editors upload files. Ask for the role of an editor.")
        return
    try:
        if upload is None:
            show_start(settings, user)
        else:
            show_upload(settings, user, upload)
    except HoldfastError as error:
        st.error(literal(error))


def open_upload(upload_id: str) -> None:
    """Show an upload from now on; "": none."""
    st.session_state["data"] = upload_id
    if upload_id:
        st.query_params["data"] = upload_id
    elif "data" in st.query_params:
        del st.query_params["data"]
    st.rerun()


def places(present: int) -> None:
    """Where the user is on the way from the file to the list."""
    told = [f"**{name}**" if i == present else name for i, name in enumerate(PLACES)]
    st.markdown(" → ".join(told))


# ---------------------------------------------------------------------- upload


def show_start(settings: Settings, user: User) -> None:
    """The form to upload a file, and the user's earlier uploads."""
    delete_old(settings, now())
    title("Upload your orders, get the customers to keep", NEEDED)
    places(0)
    limits = settings.app.uploads
    file = st.file_uploader(
        f"CSV, Excel (.xlsx) or Parquet, at most {limits.most_mb} MB",
        type=["csv", "txt", "tsv", "xlsx", "parquet"],
        max_upload_size=limits.most_mb,
    )
    st.caption(
        literal(
            "The file stays on this machine. It and all results are deleted after "
            f"{limits.keep_days} days, or when you delete them."
        )
    )
    if file is not None and st.button("Read the file", type="primary"):
        moment = now()
        details = f"{file.size:,} bytes"
        with recorded(settings.root, user, "upload", subject="file", details=details):
            upload = stored(settings, user.name, file.name, content=file, now=moment)
        steps.start(upload, LOOK, settings)
        open_upload(upload.id)
    show_earlier(settings, user)


def show_earlier(settings: Settings, user: User) -> None:
    """The user's uploads, each with a button."""
    earlier = uploads_of(settings, user.name)
    if not earlier:
        return
    heading("Earlier uploads")
    for upload in earlier:
        if st.button(literal(upload.label), key=f"open {upload.id}"):
            open_upload(upload.id)


# ---------------------------------------------------------------------- one upload


def show_upload(settings: Settings, user: User, upload: Upload) -> None:
    """The step at which an upload is."""
    state = steps.state_of(upload)
    name = f"Your data: {upload.facts.title}"
    if state is None:
        title(name)
        st.error("The file was not read. Delete it and upload it again.")
    elif state.is_busy:
        title(name, TOOK[state.step])
        places({LOOK: 1, LOAD: 2}.get(state.step, 3))
        watch(upload, state.step)
    elif state.name == steps.FAILED:
        show_failure(settings, user, upload, state=state)
    elif state.step == LOOK:
        title(name, "Are these the right columns? They were guessed from a sample of the file.")
        places(1)
        show_columns(settings, user, upload)
    elif state.step == LOAD:
        title(name, "Every row was checked. Rejected rows are in the download, with the reason.")
        places(2)
        show_quality(settings, upload)
        show_choice(settings, user, upload)
    else:
        title(name, "The other pages show these results now. Change that under Data on the left.")
        places(4)
        show_results(upload)
        show_quality(settings, upload)
    show_delete(settings, user, upload)


@st.fragment(run_every=REFRESH_SECONDS)
def watch(upload: Upload, step: str) -> None:
    """The progress of the running step. When it has ended, the whole page is drawn again."""
    state = steps.state_of(upload)
    if state is None or not state.is_busy:
        st.rerun()
        return
    lines = steps.log_of(upload, step)
    place = steps.progress_of(lines)
    text = BUSY[step]
    if state.name == WAITING:
        text = "Another upload is being computed. This one starts when it has ended"
    if place:
        number, of, told = place
        st.progress((number - 1) / of, f"{text}. Step {number} of {of}: {told}")
    else:
        st.progress(0.0, f"{text} ...")
    # A line that begins with ... says what runs at that moment: only the last one is news.
    news = [*(line for line in lines[:-1] if not line.lstrip().startswith("...")), *lines[-1:]]
    if news:
        st.code("\n".join(news[-LINES:]), language=None)


def show_failure(settings: Settings, user: User, upload: Upload, *, state: State) -> None:
    """Why a step failed, and what can be done."""
    title(f"{BUSY[state.step]} did not work", upload.facts.title)
    st.error(literal(state.message))
    if state.step == LOOK and upload.guess:
        say("Choose other columns, or delete the upload and upload another file.")
        show_columns(settings, user, upload)
    elif state.step == LOOK:
        say(NEEDED)
    else:
        if st.button("Start the step again", type="primary"):
            begin(settings, user, upload, step=state.step)
        with st.expander("What the commands printed"):
            st.code("\n".join(steps.log_of(upload, state.step)[-200:]) or "-", language=None)


def show_choice(settings: Settings, user: User, upload: Upload) -> None:
    """Train on the upload, or score it with the present model."""
    heading("How should the customers be scored?")
    left, right = st.columns(2)
    with left, st.container(border=True):
        say("Train a model on your data. Right for a company that was not scored here before.")
        if st.button("Train on my data", type="primary", width="stretch"):
            begin(settings, user, upload, step=TRAIN)
    with right, st.container(border=True):
        if steps.has_champion(settings):
            say(
                f"Use the present model of {settings.env}. Right only if the file is of the same "
                "company: a model knows the customers that it was trained on."
            )
        else:
            say(f"There is no model of {settings.env} in this lakehouse yet.")
        if st.button(
            "Score with the present model",
            width="stretch",
            disabled=not steps.has_champion(settings),
        ):
            begin(settings, user, upload, step=SCORE)


def begin(settings: Settings, user: User, upload: Upload, *, step: str) -> None:
    """Start a step, record it, and show its progress."""
    if step != LOOK:
        with recorded(settings.root, user, step, subject=upload.id):
            steps.start(upload, step, settings)
    else:
        steps.start(upload, step, settings)
    st.rerun()


def show_delete(settings: Settings, user: User, upload: Upload) -> None:
    """Go back, start again at the columns, or delete the upload with its results."""
    st.divider()
    state = steps.state_of(upload)
    with st.container(horizontal=True):
        if st.button("Upload another file", icon=":material/add:"):
            open_upload("")
        if state is None or state.is_busy:
            return
        if state.step != LOOK and st.button("Change the columns", icon=":material/undo:"):
            begin(settings, user, upload, step=LOOK)
        if st.button("Delete this upload", icon=":material/delete:"):
            with recorded(settings.root, user, "delete_upload", subject=upload.id):
                upload.delete()
            open_upload("")
