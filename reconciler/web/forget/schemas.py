"""Request and response models of forgetting."""

from pydantic import Field

from reconciler.web.http.schemas import RequestModel, ResponseModel, Text


class ForgottenResponse(ResponseModel):
    """What was forgotten."""

    subject: str = Field(description="`source/NAME`, `tenant/NAME` or `chatbot/ID`.")
    chatbots: list[str] = Field(description="The chatbots that nobody has any more.")


class ForgetRequest(RequestModel):
    """Forget what is gone for good."""

    reason: Text
