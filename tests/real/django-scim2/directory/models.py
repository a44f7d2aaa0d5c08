"""Users and groups, with what django-scim2 asks for."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Group(AbstractSCIMGroupMixin):
    name = models.CharField(max_length=100, unique=True)


class User(AbstractSCIMUserMixin, AbstractUser):
    # The group calls its members `user_set`, as Django's own groups do.
    scim_groups = models.ManyToManyField(Group, related_name="user_set")
    groups = None
    user_permissions = None
