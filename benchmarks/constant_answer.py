"""The peer of the service: the same server with a constant answer. python -m ... PORT."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Request, Response

# As long as an answer of the service.
ANSWER = b'{"churn_probability":0.5,"text":"' + b"a" * 900 + b'"}'
app = FastAPI()


@app.post("/predict")
async def predict(http: Request) -> Response:
    """Read the body and answer."""
    await http.body()
    return Response(ANSWER, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
